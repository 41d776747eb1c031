#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import TestSupport
import Testing

@testable import CeleriacQueues
@testable import CeleryDialect

@Suite("Claims at Redis of messages that the worker has let go", .timeLimit(.minutes(5)))
struct KeptClaimsTests {
    /// A consumer on a database of its own.
    private struct Site: Sendable {
        let bench: RedisBench
        let broker: CeleryRedisBroker
        let consumer: any PayloadKeepingConsumer

        init(visibilityTimeout: Duration = .seconds(3600)) async throws {
            bench = try await RedisBench()
            broker = CeleryRedisBroker(
                try RedisConfiguration(url: bench.url),
                options: CeleryRedisOptions(visibilityTimeout: visibilityTimeout),
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: LogRecorder().logger)
            let consumer = try await broker.consume(
                ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h"))
            self.consumer = try #require(consumer as? any PayloadKeepingConsumer)
        }

        /// Publishes messages with these numbers as their bodies.
        func publish(_ numbers: Range<Int>) async throws {
            try await broker.publish(
                numbers.map {
                    OutgoingMessage(message: WireMessage(body: Array("\($0)".utf8)), routingKey: "celery")
                })
        }

        /// Takes messages and lets them go.
        func takeAndLetGo(_ count: Int) async throws -> [Receipt] {
            var receipts: [Receipt] = []
            while receipts.count < count {
                let taken = try await consumer.next(atMost: count - receipts.count).map(\.receipt)
                consumer.letGo(taken)
                receipts += taken
            }
            return receipts
        }

        func claims() async throws -> Int { try await bench.int(RedisCommand("HLEN", "unacked")) }

        func close() async throws {
            try await consumer.close()
            await broker.close()
            await bench.close()
        }
    }

    /// The body of a delivery, as text.
    private func text(_ delivery: Delivery?) -> String? {
        (try? delivery?.content.get()).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test("are read again, and then end like any other")
    func recalls() async throws {
        let site = try await Site()
        try await site.publish(0..<4)
        let receipts = try await site.takeAndLetGo(4)
        let seen = try await site.consumer.look(at: receipts.reversed())
        #expect(seen.map(text) == ["3", "2", "1", "0"])
        let unknown = Receipt(generation: 0, tag: 999)
        let found = try await site.consumer.recall([receipts[2], unknown, receipts[0], receipts[1]])
        #expect(found.map(text) == ["2", nil, "0", "1"])
        #expect(found.map { $0?.receipt } == [receipts[2], nil, receipts[0], receipts[1]])
        #expect(try await site.claims() == 4)
        // The consumer has them again, and so does not show them as let go.
        let again = try await site.consumer.look(at: receipts)
        #expect(again.map(text) == [nil, nil, nil, "3"])
        try await site.consumer.settle([
            Settlement(receipts[0], .acknowledge),
            Settlement(receipts[1], .park(MessageFault(reason: "test", detail: ""))),
            Settlement(receipts[2], .requeue),
        ])
        #expect(try await site.claims() == 1)
        #expect(try await site.bench.int(RedisCommand("LLEN", "celery.parked")) == 1)
        #expect(try await site.bench.int(RedisCommand("LLEN", "celery")) == 1)
        try await site.close()
    }

    @Test("go back to the front of their list in their order, marked, at the request and at the end")
    func givesBack() async throws {
        let site = try await Site()
        try await site.publish(0..<700)
        let receipts = try await site.takeAndLetGo(600)
        #expect(site.consumer.unsettledDescription?.hasPrefix("600 claimed") == true)
        try await site.consumer.giveBack(Array(receipts.suffix(300)))
        #expect(try await site.claims() == 300)
        try await site.consumer.close()
        #expect(try await site.claims() == 0)
        #expect(try await site.bench.int(RedisCommand("ZCARD", "unacked_index")) == 0)
        let next = try await site.broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "x@h"))
        var taken: [Delivery] = []
        while taken.count < 700 { taken += try await next.next(atMost: 1000) }
        #expect(taken.compactMap { text($0) } == (0..<700).map { "\($0)" })
        #expect(taken.map(\.redelivered) == (0..<700).map { $0 < 600 })
        #expect(taken.allSatisfy { $0.attempts == 0 })
        try await next.close()
        await site.broker.close()
        await site.bench.close()
    }

    @Test("that another worker has restored are no longer this worker's, and it gives them back no more")
    func restored() async throws {
        let site = try await Site()
        try await site.publish(0..<3)
        let receipts = try await site.takeAndLetGo(3)
        let tags = try await site.bench.redis.send(RedisCommand("ZRANGE", "unacked_index", 0, -1)).array ?? []
        for tag in tags.compactMap(\.string) where !tag.hasSuffix(".\(receipts[1].tag)") {
            _ = try await site.bench.redis.send([
                RedisCommand("HDEL", "unacked", tag), RedisCommand("ZREM", "unacked_index", tag),
            ])
        }
        let isLost = await site.consumer.hasLost(receipts[2])
        #expect(isLost)
        let isLostToo = await site.consumer.hasLost(receipts[1])
        #expect(!isLostToo)
        let found = try await site.consumer.recall(receipts)
        #expect(found.map(text) == [nil, "1", nil])
        try await site.consumer.close()
        #expect(try await site.bench.int(RedisCommand("LLEN", "celery")) == 1)
        await site.broker.close()
        await site.bench.close()
    }

    @Test("that are recalled while a stop gives them back go back too, in their order")
    func recalledMeanwhile() async throws {
        let site = try await Site()
        try await site.publish(0..<6)
        let receipts = try await site.takeAndLetGo(5)
        let found = try await site.consumer.recall([receipts[1], receipts[3], receipts[4]])
        #expect(found.map(text) == ["1", "3", "4"])
        try await site.consumer.settle([Settlement(receipts[4], .acknowledge)])
        let consumer = try #require(site.consumer as? RedisMessageConsumer)
        // The stop saw them when they were still let go.
        try await consumer.giveBackKept(receipts.map(\.tag))
        #expect(try await site.claims() == 0)
        let next = try await site.broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "x@h"))
        var taken: [Delivery] = []
        while taken.count < 5 { taken += try await next.next(atMost: 10) }
        #expect(taken.map { text($0) } == ["0", "1", "2", "3", "5"])
        try await next.close()
        try await site.close()
    }

    @Test("are renewed, each of a great many")
    func renews() async throws {
        let site = try await Site(visibilityTimeout: .seconds(2))
        try await site.publish(0..<1200)
        _ = try await site.takeAndLetGo(1200)
        let tags = try await site.bench.redis.send(RedisCommand("ZRANGE", "unacked_index", 0, -1)).array ?? []
        var aging = RedisCommand("ZADD", "unacked_index", "XX")
        for tag in tags.compactMap(\.string) {
            aging.append(1)
            aging.append(tag)
        }
        _ = try await site.bench.redis.send(aging)
        try await until {
            try await site.bench.int(RedisCommand("ZCOUNT", "unacked_index", 2, "+inf")) == 1200
        }
        try await site.close()
    }

    @Test("that cannot be read wait until they can")
    func unreadable() async throws {
        let site = try await Site()
        try await site.publish(0..<1)
        let receipts = try await site.takeAndLetGo(1)
        _ = try await site.bench.redis.send([
            RedisCommand("RENAME", "unacked", "aside"), RedisCommand("SET", "unacked", "no hash"),
        ])
        await #expect(throws: CeleriacError.self) { _ = try await site.consumer.recall(receipts) }
        await #expect(throws: CeleriacError.self) { _ = try await site.consumer.look(at: receipts) }
        _ = try await site.bench.redis.send(RedisCommand("RENAME", "aside", "unacked"))
        let found = try await site.consumer.recall(receipts)
        #expect(found.map(text) == ["0"])
        try await site.close()
    }

    @Test("of messages that came back keep their counts")
    func counts() async throws {
        let site = try await Site()
        try await site.publish(0..<1)
        try await site.consumer.giveBack(try await site.takeAndLetGo(1))
        let receipts = try await site.takeAndLetGo(1)
        let found = try await site.consumer.recall(receipts)
        #expect(found.first??.redelivered == true && found.first??.attempts == 0)
        try await site.consumer.markBegun(receipts)
        let counters = RedisCommand("KEYS", "celeriac.attempts.*")
        #expect(try await site.bench.redis.send(counters).array?.count == 1)
        try await site.consumer.settle(receipts.map { Settlement($0, .acknowledge) })
        #expect(try await site.bench.redis.send(counters).array?.isEmpty == true)
        #expect(try await site.claims() == 0)
        try await site.close()
    }
}
#endif
