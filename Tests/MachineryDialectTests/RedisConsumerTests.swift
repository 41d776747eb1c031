#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Logging
import NIOPosix
import Synchronization
import Testing

@testable import CeleriacQueues
@testable import MachineryDialect

/// What a consumer and its scripts do when Redis refuses a command.
@Suite("A consumer of Machinery's queues", .timeLimit(.minutes(5)))
struct RedisConsumerTests {
    private struct Bench {
        let redis: RedisClient
        let broker: MachineryRedisBroker
        let consumer: any MessageConsumer
        /// Counts the log messages that say that the consumer could not take messages.
        let refused: RefusalCount

        init() async throws {
            let configuration = try RedisConfiguration(url: try await SharedServers.shared.redisDatabaseURL())
            let refused = Refusals()
            let logger = Logger(label: "test") { _ in refused }
            self.refused = refused.count
            redis = RedisClient(
                configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
            broker = MachineryRedisBroker(
                configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
            consumer = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w"))
        }

        func publish(_ bodies: String...) async throws {
            try await broker.publish(
                bodies.map { OutgoingMessage(message: WireMessage(body: Array($0.utf8)), routingKey: "q") })
        }

        /// Makes every claim look expired and starts the worker that puts the messages back.
        func nextConsumer() async throws -> any MessageConsumer {
            let tags = try await redis.send(RedisCommand("ZRANGE", "q.celeriac.claimed", 0, -1)).array ?? []
            for tag in tags.compactMap(\.string) {
                _ = try await redis.send(RedisCommand("ZADD", "q.celeriac.claimed", 1, tag))
            }
            return try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w"))
        }

        /// The content of the queue, the next message first.
        func queue() async throws -> [String] {
            (try await redis.send(RedisCommand("LRANGE", "q", 0, -1)).array ?? []).compactMap(\.string)
        }

        func close() async {
            await broker.close()
            await redis.close()
        }
    }

    private final class RefusalCount: Sendable {
        private let value = Atomic(0)
        var isZero: Bool { value.load(ordering: .relaxed) == 0 }
        func add() { value.add(1, ordering: .relaxed) }
    }

    private struct Refusals: LogHandler {
        let count = RefusalCount()
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.message.description == "cannot take messages, trying again" { count.add() }
        }
    }

    private let fault = MessageFault(reason: "test", detail: "")

    @Test("settles at its end what Redis refused before, and does not put it back")
    func unsettled() async throws {
        let bench = try await Bench()
        try await bench.publish("1", "2", "3")
        let deliveries = try await bench.consumer.next(atMost: 3)
        try #require(deliveries.count == 3)
        _ = try await bench.redis.send(RedisCommand("SET", "q.parked", "not a list"))
        await #expect(throws: CeleriacError.self) {
            try await bench.consumer.settle([
                Settlement(deliveries[0].receipt, .park(fault)), Settlement(deliveries[1].receipt, .acknowledge),
            ])
        }
        #expect(try await bench.redis.send(RedisCommand("HLEN", "q.celeriac.claims")).int == 2)
        _ = try await bench.redis.send(RedisCommand("DEL", "q.parked"))
        try await bench.consumer.close()
        #expect(try await bench.queue() == ["3"])
        #expect(try await bench.redis.send(RedisCommand("LLEN", "q.parked")).int == 1)
        #expect(try await bench.redis.send(RedisCommand("EXISTS", "q.celeriac.claims")).int == 0)
        await bench.close()
    }

    @Test("a claim that arrives after the consumer gave up on it takes nothing")
    func lateClaim() async throws {
        let bench = try await Bench()
        try await bench.publish("1", "2")
        let topology = MachineryRedisTopology(settings: MachineryRedisSettings(), defaultQueue: "q")
        func claim(epoch: Int) async throws -> Int {
            let attempt = RedisClaimAttempt(
                lists: topology.lists(of: "q"), firstSerial: 1, limit: 1, tagPrefix: "me.", epoch: epoch, time: 1)
            return topology.claims(in: try await bench.redis.send(topology.claim(attempt)), of: attempt).count
        }
        _ = try await bench.redis.send(RedisCommand("SET", "q.celeriac.epoch.me.", 2))
        #expect(try await claim(epoch: 1) == 0)
        #expect(try await bench.queue() == ["1", "2"])
        #expect(try await claim(epoch: 2) == 1)
        #expect(try await bench.queue() == ["2"])
        try await bench.consumer.close()
        await bench.close()
    }

    @Test("counts beginnings of what came back, not that it comes back")
    func beginnings() async throws {
        let bench = try await Bench()
        try await bench.publish("1")
        #expect(try await bench.consumer.next(atMost: 1).first?.redelivered == false)
        // Seven workers die before it begins.
        for _ in 0..<7 {
            let deliveries = try await bench.nextConsumer().next(atMost: 1)
            #expect(deliveries.first?.redelivered == true && deliveries.first?.attempts == 0)
        }
        // Two die of it.
        for attempts in 0..<2 {
            let consumer = try await bench.nextConsumer()
            let deliveries = try await consumer.next(atMost: 1)
            #expect(deliveries.first?.attempts == attempts)
            try await consumer.markBegun(deliveries.map(\.receipt))
        }
        // One gives it back in good order.
        let last = try await bench.nextConsumer()
        try await last.giveBack(try await last.next(atMost: 1).map(\.receipt))
        let deliveries = try await last.next(atMost: 1)
        #expect(deliveries.first?.attempts == 2)
        try await last.settle(deliveries.map { Settlement($0.receipt, .acknowledge) })
        #expect(try await bench.redis.send(RedisCommand("EXISTS", "q.celeriac.attempts")).int == 0)
        try await last.close()
        try await bench.consumer.close()
        await bench.close()
    }

    @Test("does not count what a stop has cut short")
    func deploys() async throws {
        let bench = try await Bench()
        try await bench.publish("1")
        var consumer = bench.consumer
        var deliveries = try await consumer.next(atMost: 1)
        #expect(deliveries.first?.redelivered == false)
        // Cut short once when it begins for the first time, and once when it has come back from a worker that died.
        for _ in 0..<2 {
            await consumer.stop()
            try await consumer.settle(deliveries.map { Settlement($0.receipt, .requeue) })
            #expect(try await bench.queue() == ["1"])
            try await consumer.close()
            consumer = try await bench.broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w"))
            #expect(try await consumer.next(atMost: 1).first?.attempts == 0)
            consumer = try await bench.nextConsumer()
            deliveries = try await consumer.next(atMost: 1)
            #expect(deliveries.first?.redelivered == true && deliveries.first?.attempts == 0)
            try await consumer.markBegun(deliveries.map(\.receipt))
        }
        try await consumer.settle(deliveries.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        await bench.close()
    }

    @Test(
        "takes nothing if it cannot write claims",
        arguments: ["q.celeriac.claims", "q.celeriac.claimed", "q.celeriac.attempts"])
    func wrongClaims(key: String) async throws {
        let bench = try await Bench()
        _ = try await bench.redis.send(RedisCommand("SET", key, "something else"))
        try await bench.publish("1")
        async let deliveries = bench.consumer.next(atMost: 1)
        let refused = bench.refused
        await until { !refused.isZero }
        #expect(try await bench.queue() == ["1"])
        _ = try await bench.redis.send(RedisCommand("DEL", key))
        #expect(try await deliveries.count == 1)
        try await bench.consumer.close()
        await bench.close()
    }

    @Test("a message whose queue is no longer a list stays claimed")
    func wrongQueue() async throws {
        let bench = try await Bench()
        try await bench.publish("1")
        let deliveries = try await bench.consumer.next(atMost: 1)
        _ = try await bench.redis.send(RedisCommand("SET", "q", "not a list"))
        await #expect(throws: (any Error).self) { try await bench.consumer.giveBack(deliveries.map(\.receipt)) }
        #expect(try await bench.redis.send(RedisCommand("HLEN", "q.celeriac.claims")).int == 1)
        _ = try await bench.redis.send(RedisCommand("DEL", "q"))
        try await bench.consumer.close()
        #expect(try await bench.queue() == ["1"])
        await bench.close()
    }

    @Test("names the message that Redis refused, and publishes the others once")
    func partialPublish() async throws {
        let bench = try await Bench()
        _ = try await bench.redis.send(RedisCommand("SET", "string", "not a list"))
        let error = await #expect(throws: PartialPublishError.self) {
            try await bench.broker.publish(
                ["other", "string", "other"].map {
                    OutgoingMessage(message: WireMessage(body: Array("1".utf8)), routingKey: $0)
                })
        }
        #expect(error?.refused.mapValues(\.code) == [1: .publishFailed])
        #expect(try await bench.redis.send(RedisCommand("LLEN", "other")).int == 2)
        try await bench.consumer.close()
        await bench.close()
    }

    @Test("starts and stops consuming a queue")
    func changesQueues() async throws {
        let bench = try await Bench()
        try await bench.publish("1")
        try await bench.broker.publish([
            OutgoingMessage(message: WireMessage(body: Array("2".utf8)), routingKey: "other")
        ])
        let first = try await bench.consumer.next(atMost: 10)
        #expect(first.map(\.queue) == ["q"])
        async let second = bench.consumer.next(atMost: 10)
        try await bench.consumer.addQueue("other")
        #expect(try await second.map(\.queue) == ["other"])
        try await bench.consumer.removeQueue("q")
        try await bench.publish("3")
        async let third = bench.consumer.next(atMost: 10)
        try await bench.broker.publish([
            OutgoingMessage(message: WireMessage(body: Array("4".utf8)), routingKey: "other")
        ])
        #expect(try await third.map(\.queue) == ["other"])
        try await bench.consumer.close()
        #expect(try await bench.queue() == ["1", "3"])
        #expect(try await bench.broker.depth(of: "other") == 2)
        await bench.close()
    }

    @Test("reads messages again that the worker has let go, and gives them back in their order")
    func letGo() async throws {
        let bench = try await Bench()
        let consumer = try #require(bench.consumer as? any PayloadKeepingConsumer)
        try await bench.publish("1", "2", "3", "4")
        let receipts = try await consumer.next(atMost: 4).map(\.receipt)
        try #require(receipts.count == 4)
        consumer.letGo(receipts)
        let seen = try await consumer.look(at: receipts)
        #expect(seen.compactMap { $0 }.count == 4)
        let found = try await consumer.recall([receipts[3], receipts[0]])
        let bodies = found.compactMap { try? $0?.content.get().body }
        #expect(bodies == ["4", "1"].map { Array($0.utf8) })
        try await consumer.settle([Settlement(receipts[0], .acknowledge)])
        try await consumer.close()
        #expect(try await bench.queue() == ["2", "3", "4"])
        await bench.close()
    }

    @Test("messages of a worker that has died come back at one look, however many they are")
    func manyExpired() async throws {
        let configuration = try RedisConfiguration(url: try await SharedServers.shared.redisDatabaseURL())
        let (group, logger) = (MultiThreadedEventLoopGroup.singleton, Logger(label: "test") { _ in Refusals() })
        let redis = RedisClient(configuration, eventLoopGroup: group, logger: logger)
        for start in stride(from: 0, to: 1200, by: 400) {
            var claims = RedisCommand("HSET", "q.celeriac.claims")
            var times = RedisCommand("ZADD", "q.celeriac.claimed")
            for number in start..<start + 400 {
                for argument in ["dead.\(number)", "\(number)"] { claims.append(argument) }
                for argument in ["1", "dead.\(number)"] { times.append(argument) }
            }
            _ = try await redis.send([claims, times])
        }
        // Its next look is days away.
        let broker = MachineryRedisBroker(
            configuration, settings: MachineryRedisSettings(claimTimeout: 1_000_000), eventLoopGroup: group,
            logger: logger)
        let consumer = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w"))
        try await until { try await redis.send(RedisCommand("LLEN", "q")).int == 1200 }
        try await consumer.close()
        await broker.close()
        await redis.close()
    }

    @Test("messages that were let go and restored by another worker are that worker's, with their counts")
    func letGoAndRestored() async throws {
        let bench = try await Bench()
        let first = try #require(bench.consumer as? any PayloadKeepingConsumer)
        try await bench.publish("1", "2")
        let receipts = try await first.next(atMost: 2).map(\.receipt)
        first.letGo(receipts)
        let next = try await bench.nextConsumer()
        let second = try #require(next as? any PayloadKeepingConsumer)
        var taken: [Receipt] = []
        while taken.count < 2 { taken += try await second.next(atMost: 2).map(\.receipt) }
        let lost = try await first.recall(receipts)
        #expect(lost.compactMap { $0 }.isEmpty)
        second.letGo(taken)
        let found = try await second.recall(taken).compactMap { $0 }
        #expect(found.count == 2 && found.allSatisfy { $0.redelivered && $0.attempts == 0 })
        try await second.settle(taken.map { Settlement($0, .acknowledge) })
        try await second.close()
        try await first.close()
        #expect(try await bench.queue().isEmpty)
        #expect(try await bench.redis.send(RedisCommand("EXISTS", "q.celeriac.claims")).int == 0)
        await bench.close()
    }

    @Test("says which settlements came when another worker had restored the messages")
    func settledTooLate() async throws {
        let bench = try await Bench()
        let consumer = try #require(bench.consumer as? any ClaimingConsumer)
        try await bench.publish("1", "2")
        let receipts = try await consumer.next(atMost: 2).map(\.receipt)
        try #require(receipts.count == 2)
        try await consumer.settle([Settlement(receipts[0], .acknowledge)])
        #expect(consumer.settledTooLate.isEmpty)
        let next = try await bench.nextConsumer()
        let restored = try await next.next(atMost: 2)
        #expect(restored.count == 1)
        try await consumer.settle([Settlement(receipts[1], .acknowledge)])
        #expect(consumer.settledTooLate == [receipts[1]])
        try await next.settle(restored.map { Settlement($0.receipt, .acknowledge) })
        try await next.close()
        try await consumer.close()
        await bench.close()
    }

    @Test("lists parked messages page by page, puts them back unchanged, and drops them")
    func parked() async throws {
        let bench = try await Bench()
        try await bench.publish("1", "2", "3")
        let deliveries = try await bench.consumer.next(atMost: 3)
        try await bench.consumer.settle(deliveries.map { Settlement($0.receipt, .park(fault)) })
        let first = try await bench.broker.parkedMessages(in: "q", after: nil, limit: 2)
        let second = try await bench.broker.parkedMessages(in: "q", after: first.last?.id, limit: 2)
        #expect((first + second).map(\.message) == ["1", "2", "3"].map { Array($0.utf8) })
        #expect(first.allSatisfy { $0.reason == "test" && $0.worker == "w" && $0.time != nil })
        try await bench.consumer.close()
        #expect(try await bench.broker.requeueParked((first + second).map(\.id), in: "q") == 3)
        #expect(try await bench.queue() == ["1", "2", "3"])
        #expect(try await bench.broker.parkedMessages(in: "q", after: nil, limit: 9).isEmpty)
        #expect(try await bench.broker.dropParked(first.map(\.id), in: "q") == 0)
        #expect(try await bench.broker.depth(of: "q") == 3)
        #expect(try await bench.broker.purge("q") == 3)
        #expect(try await bench.queue().isEmpty)
        await bench.close()
    }
}
#endif
