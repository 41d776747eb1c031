#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOPosix
import TestSupport
import Testing

@testable import CeleriacQueues
@testable import CeleryDialect

/// What a consumer does when Redis refuses a command, and at its end.
@Suite("A consumer at Redis", .timeLimit(.minutes(5)))
struct RedisConsumerTests {
    private func consumer(
        _ bench: RedisBench, queues: [String] = ["celery"], log: LogRecorder = LogRecorder()
    ) async throws -> (broker: CeleryRedisBroker, consumer: any MessageConsumer) {
        let broker = CeleryRedisBroker(
            try RedisConfiguration(url: bench.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: log.logger)
        let consumer = try await broker.consume(
            ConsumerOptions(queues: queues.map { TaskQueue($0) }, prefetch: 10, nodeName: "w@h"))
        return (broker, consumer)
    }

    private func publish(_ count: Int, to queue: String = "celery", by broker: CeleryRedisBroker) async throws {
        let message = OutgoingMessage(message: WireMessage(body: Array("[[], {}, {}]".utf8)), routingKey: queue)
        try await broker.publish(Array(repeating: message, count: count))
    }

    @Test("takes what a worker of an earlier version left in its handover list, before all else")
    func handover() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(1, by: broker)
        try await publish(1, to: "celery.handover", by: broker)
        #expect(try await consumer.next(atMost: 1).map(\.routingKey) == ["celery.handover"])
        #expect(try await bench.int(RedisCommand("LLEN", "celery.handover")) == 0)
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 2)
        await broker.close()
        await bench.close()
    }

    @Test("at a limit of one, all that have come back begin one at a time, and a stop gives back those that wait")
    func turns() async throws {
        let bench = try await RedisBench()
        let broker = CeleryRedisBroker(
            try RedisConfiguration(url: bench.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger)
        var options = ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h")
        options.maximumAttempts = 1
        let consumer = try await broker.consume(options)
        try await publish(3, by: broker)
        try await consumer.giveBack(try await consumer.next(atMost: 3).map(\.receipt))
        let deliveries = try await consumer.next(atMost: 3)
        #expect(deliveries.allSatisfy { $0.attempts == 0 })
        try await checkTurns(of: deliveries, at: consumer)
        try await consumer.close()
        #expect(try await broker.depth(of: "celery") == 2)
        await broker.close()
        await bench.close()
    }

    @Test("whoever asks for a look waits until the worker has what was there")
    func catchUp() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await checkCatchUp(of: consumer) { try await publish(1, by: broker) }
        await broker.close()
        await bench.close()
    }

    @Test("a claim that arrives after the consumer gave up on it takes nothing")
    func lateClaim() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(2, by: broker)
        let topology = CeleryRedisTopology(options: CeleryRedisOptions())
        func claim(epoch: Int) async throws -> Int {
            let attempt = RedisClaimAttempt(
                lists: topology.lists(of: "celery"), firstSerial: 1, limit: 1, tagPrefix: "me.", epoch: epoch, time: 1)
            return topology.claims(in: try await bench.redis.send(topology.claim(attempt)), of: attempt).count
        }
        _ = try await bench.redis.send(RedisCommand("SET", "celeriac.epoch.me.", 2))
        #expect(try await claim(epoch: 1) == 0)
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 2)
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        #expect(try await claim(epoch: 2) == 1)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("raises its epoch before it looks for claims whose reply did not arrive")
    func raisesItsEpoch() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let redis = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: LogRecorder().logger)
        let log = LogRecorder()
        var configuration = try RedisConfiguration(url: server.url)
        configuration.commandTimeout = .milliseconds(200)
        let broker = CeleryRedisBroker(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue("celery")], prefetch: 10, nodeName: "w@h"))
        try await publish(3, by: broker)
        // The first claim follows a look for expired ones; the second goes alone.
        var count = try await consumer.next(atMost: 1).count
        // Redis holds claims back for longer than the consumer waits.
        _ = try await redis.send(RedisCommand("CLIENT", "PAUSE", 3_600_000, "WRITE"))
        async let late = consumer.next(atMost: 10)
        await until { log.count("cannot take messages, trying again") >= 1 }
        _ = try await redis.send(RedisCommand("CLIENT", "UNPAUSE"))
        count += try await late.count
        while count < 3 { count += try await consumer.next(atMost: 10).count }
        #expect(count == 3)
        #expect(try await redis.send(RedisCommand("KEYS", "celeriac.epoch.*")).array?.count == 1)
        #expect(try await redis.send(RedisCommand("HLEN", "unacked")).int == 3)
        try await consumer.close()
        await broker.close()
        await redis.close()
        await server.stop()
    }

    @Test("settles at its end what Redis refused before, and does not give it back")
    func unsettled() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(3, by: broker)
        let deliveries = try await consumer.next(atMost: 3)
        try #require(deliveries.count == 3)
        _ = try await bench.redis.send(RedisCommand("SET", "celery.parked", "not a list"))
        let fault = MessageFault(reason: "test", detail: "")
        await #expect(throws: CeleriacError.self) {
            try await consumer.settle([
                Settlement(deliveries[0].receipt, .park(fault)), Settlement(deliveries[1].receipt, .acknowledge),
            ])
        }
        // The claim stands, because the message could not be written to its new place.
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 2)
        _ = try await bench.redis.send(RedisCommand("DEL", "celery.parked"))
        // Nor does it when a stop gives back, late, what seemed to wait for the result store.
        try await consumer.giveBack([deliveries[0].receipt])
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 0)
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("LLEN", "celery.parked")) == 1)
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 1)
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        await broker.close()
        await bench.close()
    }

    @Test("a refused settlement does not keep other messages from being given back")
    func refusedAtTheEnd() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(2, by: broker)
        let deliveries = try await consumer.next(atMost: 2)
        try #require(deliveries.count == 2)
        _ = try await bench.redis.send(RedisCommand("SET", "celery.parked", "not a list"))
        let park = Settlement(deliveries[0].receipt, .park(MessageFault(reason: "test", detail: "")))
        await #expect(throws: CeleriacError.self) { try await consumer.settle([park]) }
        await #expect(throws: CeleriacError.self) { try await consumer.close() }
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 1)
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 1)
        await broker.close()
        await bench.close()
    }

    @Test("takes nothing if it cannot write claims", arguments: ["unacked", "unacked_index"])
    func wrongClaims(key: String) async throws {
        let bench = try await RedisBench()
        let log = LogRecorder()
        let (broker, consumer) = try await consumer(bench, log: log)
        try await publish(1, by: broker)
        _ = try await bench.redis.send(RedisCommand("SET", key, "something else"))
        async let deliveries = consumer.next(atMost: 1)
        // The second attempt gets past restoring.
        await until { log.count("cannot take messages, trying again") >= 2 }
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 1)
        _ = try await bench.redis.send(RedisCommand("DEL", key))
        #expect(try await deliveries.count == 1)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("a key that is not a list loses no message of the other lists")
    func wrongList() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench, queues: ["celery", "math"])
        try await publish(3, by: broker)
        _ = try await bench.redis.send(RedisCommand("SET", "math", "not a list"))
        var count = 0
        while count < 3 { count += try await consumer.next(atMost: 10).count }
        #expect(count == 3)
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 3)
        await broker.close()
        await bench.close()
    }

    @Test("releases the restore mutex if restoring fails")
    func mutex() async throws {
        let bench = try await RedisBench()
        _ = try await bench.redis.send(RedisCommand("SET", "unacked_index", "something else"))
        let log = LogRecorder()
        let (broker, consumer) = try await consumer(bench, log: log)
        async let deliveries = consumer.next(atMost: 1)
        await until { log.count("cannot take messages, trying again") >= 1 }
        #expect(try await bench.int(RedisCommand("EXISTS", "unacked_mutex")) == 0)
        await consumer.stop()
        #expect(try await deliveries.isEmpty)
        _ = try await bench.redis.send(RedisCommand("DEL", "unacked_index"))
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("renews the restore mutex only while it is its own")
    func mutexLease() async throws {
        let bench = try await RedisBench()
        func renew(_ token: String) async throws -> Int? {
            try await bench.redis.evaluate(
                KombuScripts.renewLock, keys: ["unacked_mutex"], arguments: [token, "10000"]
            ).int
        }
        #expect(try await renew("mine") == 0)
        _ = try await bench.redis.send(RedisCommand("SET", "unacked_mutex", "mine"))
        #expect(try await renew("other") == 0)
        #expect(try await bench.int(RedisCommand("PTTL", "unacked_mutex")) == -1)
        #expect(try await renew("mine") == 1)
        #expect(try await (1...10_000).contains(bench.int(RedisCommand("PTTL", "unacked_mutex"))))
        await bench.close()
    }

    @Test("an expired claim that cannot be put back is kept, and restoring ends")
    func unrestorable() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(1, to: "other", by: broker)
        let message = try await bench.redis.send(RedisCommand("RPOP", "other")).string ?? ""
        _ = try await bench.redis.send([
            RedisCommand("HSET", "unacked", "tag", "[\(message), \"\", \"other\"]"),
            RedisCommand("ZADD", "unacked_index", 1, "tag"),
            RedisCommand("SET", "other", "not a list"),
        ])
        try await publish(1, by: broker)
        #expect(try await consumer.next(atMost: 1).count == 1)
        #expect(try await bench.int(RedisCommand("HEXISTS", "unacked", "tag")) == 1)
        #expect(try await bench.int(RedisCommand("ZCARD", "unacked_index")) == 2)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("settles once a full server has room again")
    func outOfMemory() async throws {
        let server = try await RedisServer.start(RedisServer.Options(persistent: false))
        let configuration = try RedisConfiguration(url: server.url)
        let log = LogRecorder()
        let redis = RedisClient(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        let broker = CeleryRedisBroker(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        let consumer = try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "w@h"))
        try await publish(1, by: broker)
        let deliveries = try await consumer.next(atMost: 1)
        try await redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
        let settlements = deliveries.map { Settlement($0.receipt, .park(MessageFault(reason: "test", detail: ""))) }
        async let settled: Void = consumer.settle(settlements)
        await until { log.count("cannot settle messages, trying again") >= 1 }
        let error = await #expect(throws: CeleriacError.self) { try await publish(1, by: broker) }
        #expect(error?.code == .unavailable)
        try await redis.send(RedisCommand("CONFIG", "SET", "maxmemory", "0"))
        try await settled
        #expect(try await redis.send(RedisCommand("LLEN", "celery.parked")).int == 1)
        try await consumer.close()
        await broker.close()
        await redis.close()
        await server.stop()
    }

    @Test("lists parked messages page by page, puts them back unchanged, and drops them")
    func parked() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(3, by: broker)
        let before = try await bench.redis.send(RedisCommand("LRANGE", "celery", 0, -1)).array?.compactMap(\.bytes)
        let deliveries = try await consumer.next(atMost: 3)
        try #require(deliveries.count == 3)
        for (number, delivery) in deliveries.enumerated() {
            let fault = MessageFault(reason: "test", detail: "\(number)")
            try await consumer.settle([Settlement(delivery.receipt, .park(fault))])
        }
        #expect(try await broker.depth(of: "celery") == 0)
        let first = try await broker.parkedMessages(in: "celery", after: nil, limit: 2)
        #expect(first.map(\.detail) == ["0", "1"])
        #expect(first.allSatisfy { $0.queue == "celery" && $0.worker == "w@h" && $0.time != nil })
        let second = try await broker.parkedMessages(in: "celery", after: first.last?.id, limit: 2)
        #expect(second.map(\.detail) == ["2"])
        #expect((first + second).map(\.message) == before?.reversed())

        #expect(try await broker.requeueParked([first[1].id, "none"], in: "celery") == 1)
        #expect(try await broker.requeueParked([first[1].id], in: "celery") == 0)
        #expect(try await broker.depth(of: "celery") == 1)
        #expect(
            try await bench.redis.send(RedisCommand("LRANGE", "celery", 0, -1)).array?.compactMap(\.bytes)
                == [first[1].message])
        #expect(try await broker.dropParked(second.map(\.id), in: "celery") == 1)
        #expect(try await broker.parkedMessages(in: "celery", after: nil, limit: 10).map(\.detail) == ["0"])
        #expect(try await broker.purge("celery") == 1)
        #expect(try await broker.depth(of: "celery") == 0)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    /// A message that came back, and whose beginning is counted.
    private func begun(by consumer: any MessageConsumer) async throws -> Delivery {
        let first = try #require(try await consumer.next(atMost: 1).first)
        try await consumer.settle([Settlement(first.receipt, .requeue)])
        let delivery = try #require(try await consumer.next(atMost: 1).first)
        try await consumer.markBegun([delivery.receipt])
        return delivery
    }

    @Test("forgets how often a message was begun when it parks it, so that it can be put back")
    func exhausted() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(1, by: broker)
        let delivery = try await begun(by: consumer)
        let counters = try await bench.redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array ?? []
        let counter = try #require(counters.first?.string)
        _ = try await bench.redis.send(RedisCommand("SET", counter, 5))
        try await consumer.settle([
            Settlement(delivery.receipt, .park(MessageFault(reason: "tooManyAttempts", detail: "")))
        ])
        #expect(try await bench.int(RedisCommand("EXISTS", counter)) == 0)
        let parked = try await broker.parkedMessages(in: "celery", after: nil, limit: 9)
        #expect(try await broker.requeueParked(parked.map(\.id), in: "celery") == 1)
        let again = try #require(try await consumer.next(atMost: 1).first)
        #expect(again.attempts == 0 && again.redelivered)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("counts a beginning, and does not wait for a server that is slow to answer")
    func slowCount() async throws {
        let server = try await RedisServer.start(RedisServer.Options(persistent: false))
        let configuration = try RedisConfiguration(url: server.url)
        let log = LogRecorder()
        let redis = RedisClient(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        let broker = CeleryRedisBroker(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        let consumer = try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "w@h"))
        try await publish(1, by: broker)
        let first = try #require(try await consumer.next(atMost: 1).first)
        try await consumer.settle([Settlement(first.receipt, .requeue)])
        let delivery = try #require(try await consumer.next(atMost: 1).first)
        _ = try await redis.send(RedisCommand("CLIENT", "PAUSE", 3_600_000, "WRITE"))
        try await consumer.markBegun([delivery.receipt])
        #expect(try await redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array?.isEmpty == true)
        _ = try await redis.send(RedisCommand("CLIENT", "UNPAUSE"))
        // The answer to this comes after that to the count.
        #expect(await consumer.hasLost(delivery.receipt) == false)
        let counters = try await redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array ?? []
        #expect(try await redis.send(RedisCommand("GET", counters.first?.string ?? "")).string == "1")
        try await consumer.close()
        await broker.close()
        await redis.close()
        await server.stop()
    }

    @Test("leaves no count below zero when it gives back a message whose count has expired")
    func expiredCount() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(1, by: broker)
        let delivery = try await begun(by: consumer)
        let counters = try await bench.redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array ?? []
        try #require(counters.count == 1)
        _ = try await bench.redis.send(RedisCommand("DEL", counters[0].string ?? ""))
        try await consumer.settle([Settlement(delivery.receipt, .requeue)])
        #expect(try await bench.redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array?.isEmpty == true)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("can park only what is its own, and says so if it did not park")
    func ownership() async throws {
        let bench = try await RedisBench()
        let (broker, any) = try await consumer(bench)
        let consumer = try #require(any as? any ParkingConsumer)
        try await publish(3, by: broker)
        let receipts = try await consumer.next(atMost: 3).map(\.receipt)
        try #require(receipts.count == 3)
        let tags = try await bench.redis.send(RedisCommand("ZRANGE", "unacked_index", 0, -1)).array ?? []
        // Another worker takes the second message, as after a visibility timeout.
        let second = tags.compactMap(\.string).sorted()[1]
        _ = try await bench.redis.send([
            RedisCommand("ZREM", "unacked_index", second), RedisCommand("HDEL", "unacked", second),
        ])
        #expect(await consumer.canPark(receipts) == [true, false, true])
        let fault = MessageFault(reason: "test", detail: "")
        #expect(try await consumer.park(receipts[1], for: fault) == false)
        #expect(try await consumer.park(receipts[0], for: fault))
        #expect(try await bench.int(RedisCommand("LLEN", "celery.parked")) == 1)
        _ = try await bench.redis.send(RedisCommand("SET", "celery.parked", "not a list"))
        // Whatever Redis refuses, nobody else tells the caller.
        #expect(await consumer.canPark([receipts[2]]) == [true])
        await #expect(throws: CeleriacError.self) { _ = try await consumer.park(receipts[2], for: fault) }
        _ = try await bench.redis.send(RedisCommand("DEL", "celery.parked"))
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("that holds nothing has nothing to tell at its end when the server is away")
    func nothingHeld() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let log = LogRecorder()
        let broker = CeleryRedisBroker(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: log.logger)
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue("celery")], prefetch: 10, nodeName: "w@h"))
        async let taken = consumer.next(atMost: 10)
        await server.kill()
        await until { log.count("cannot take messages, trying again") >= 2 }
        await consumer.stop()
        #expect(try await taken.isEmpty)
        // Whether the last claim took something is not known.
        try await consumer.close()
        #expect(log.lines(at: .error).isEmpty)
        await broker.close()
        await server.stop()
    }

    @Test("says which settlements came when another worker had restored the messages")
    func settledTooLate() async throws {
        let bench = try await RedisBench()
        let (broker, any) = try await consumer(bench)
        let consumer = try #require(any as? any ClaimingConsumer)
        try await publish(3, by: broker)
        let receipts = try await consumer.next(atMost: 3).map(\.receipt)
        try #require(receipts.count == 3)
        try await consumer.settle([Settlement(receipts[0], .acknowledge)])
        #expect(consumer.settledTooLate.isEmpty)
        // Another worker takes the others.
        _ = try await bench.redis.send(RedisCommand("DEL", "unacked_index", "unacked"))
        try await consumer.settle([Settlement(receipts[1], .acknowledge)])
        #expect(consumer.settledTooLate == [receipts[1]])
        let isLost = await consumer.hasLost(receipts[1])
        #expect(isLost)
        // What is to go back has gone back.
        try await consumer.settle([Settlement(receipts[2], .requeue)])
        #expect(consumer.settledTooLate.isEmpty)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }

    @Test("looks at many parked messages page by page, and finds those to be changed on any page")
    func manyParked() async throws {
        let bench = try await RedisBench()
        let (broker, consumer) = try await consumer(bench)
        try await publish(250, by: broker)
        var count = 0
        while count < 250 {
            let deliveries = try await consumer.next(atMost: 10)
            let faults = (count..<count + deliveries.count).map { MessageFault(reason: "test", detail: "\($0)") }
            try await consumer.settle(zip(deliveries, faults).map { Settlement($0.receipt, .park($1)) })
            count += deliveries.count
        }
        var pages: [[ParkedMessage]] = []
        try await broker.walkParked(in: "celery") { page in
            pages.append(page)
            return true
        }
        let parked = pages.flatMap { $0 }
        #expect(pages.map(\.count) == [100, 100, 50] && parked.map(\.detail) == (0..<250).map { "\($0)" })
        let listed = try await broker.parkedMessages(in: "celery", after: parked[119].id, limit: 60)
        #expect(listed.map(\.id) == parked[120..<180].map(\.id))
        await #expect(throws: CeleriacError.self) {
            _ = try await broker.parkedMessages(in: "celery", after: "unknown", limit: 1)
        }
        // Every other one goes.
        let odd = parked.indices.filter { $0 % 2 == 1 }.map { parked[$0].id }
        #expect(try await broker.requeueParked(odd, in: "celery") == 125)
        #expect(try await broker.depth(of: "celery") == 125)
        #expect(
            try await broker.parkedMessages(in: "celery", after: nil, limit: 999).map(\.detail)
                == stride(from: 0, to: 250, by: 2).map { "\($0)" })
        #expect(try await broker.dropParked(parked.map(\.id), in: "celery") == 125)
        try await consumer.close()
        await broker.close()
        await bench.close()
    }
}
#endif
