#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Logging
import MachineryWire
import NIOPosix
import Testing

@testable import MachineryDialect

/// Queues, claims, delayed tasks and chords in a Redis Cluster, whose keys lie in several slots.
@Suite("Machinery in a cluster", .serialized, .timeLimit(.minutes(5)))
struct ClusterTests {
    private struct Bench {
        let cluster: RedisClusterServer
        let configuration: RedisConfiguration
        let redis: RedisClient
        let broker: MachineryRedisBroker
        let settings = MachineryRedisSettings(delayedTasksPollPeriod: 20)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

        init() async throws {
            cluster = try await RedisClusterServer.start()
            let hosts = cluster.masters.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
            configuration = try RedisConfiguration(machineryURL: "redis://\(hosts)/0")
            redis = RedisClient(
                configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
            broker = MachineryRedisBroker(
                configuration, settings: settings, defaultQueue: "default",
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        }

        func consumer() async throws -> any MessageConsumer {
            try await broker.consume(ConsumerOptions(queues: ["q", "other"], prefetch: 10, nodeName: "w"))
        }

        /// Adds a task to the delayed ones.
        func delay(_ body: String, for seconds: Double = -1) async throws {
            let time = GoTime(Date.now.addingTimeInterval(seconds)).unixNanoseconds
            try await redis.send(RedisCommand("ZADD", settings.delayedTasks, time, body))
        }

        func count(_ command: String, _ key: String) async throws -> Int {
            try await redis.send(RedisCommand(command, key)).int ?? -1
        }

        func close() async {
            await broker.close()
            await redis.close()
            await cluster.stop()
        }
    }

    private func keys(of queue: String) -> InFlightKeys { InFlightKeys(queue: queue, inCluster: true) }

    private func task(_ id: Int, _ queue: String) -> String { "{\"UUID\":\"\(id)\",\"RoutingKey\":\"\(queue)\"}" }

    private func mark(of body: String, in queue: String) -> String { keys(of: queue).moved(Array(body.utf8)) }

    private func bodies(_ deliveries: [Delivery]) -> [String] {
        deliveries.compactMap { try? $0.content.get().body }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("the set, its queues and the parked messages lie in different slots")
    func slots() {
        #expect(Set(["delayed_tasks", "q", "default"].map { RedisSlot(ofKey: $0) }).count == 3)
    }

    @Test("due tasks come to their queues, and what is no task or has none is parked")
    func delayedTasks() async throws {
        let bench = try await Bench()
        try await bench.redis.send(RedisCommand("SET", "text", "no list"))
        let (mine, unnamed, impossible) = (task(1, "q"), task(2, ""), task(3, "text"))
        for body in [mine, unnamed, impossible, "junk"] { try await bench.delay(body) }
        try await bench.delay(task(4, "q"), for: 3600)
        let consumer = try await bench.consumer()
        let deliveries = try await consumer.next(atMost: 10)
        #expect(bodies(deliveries) == [mine])
        try await until { try await bench.count("ZCARD", "delayed_tasks") == 1 }
        #expect(try await bench.count("LLEN", "default") == 1)
        #expect(try await bench.count("LLEN", keys(of: "delayed_tasks").parked) == 2)
        let parked = try await bench.broker.parkedMessages(in: "delayed_tasks", after: nil, limit: 10)
        #expect(Set(parked.map { String(decoding: $0.message, as: UTF8.self) }) == [impossible, "junk"])
        for (body, queue) in [(mine, "q"), (unnamed, "default"), (impossible, "text")] {
            try await until { try await bench.count("EXISTS", mark(of: body, in: queue)) == 0 }
        }
        try await consumer.close()
        await bench.close()
    }

    @Test("a worker that dies after it has pushed a delayed task doubles nothing")
    func deathAfterPush() async throws {
        let bench = try await Bench()
        let body = task(1, "q")
        let pushed = try await bench.redis.evaluate(
            MachineryScripts.pushDue, keys: ["q", mark(of: body, in: "q")], arguments: [body, 3600])
        #expect(pushed.int == 1)
        try await bench.delay(body)
        let consumer = try await bench.consumer()
        try await until { try await bench.count("ZCARD", "delayed_tasks") == 0 }
        try await until { try await bench.count("EXISTS", mark(of: body, in: "q")) == 0 }
        let deliveries = try await consumer.next(atMost: 10)
        #expect(bodies(deliveries) == [body])
        #expect(try await bench.count("LLEN", "q") == 0)
        try await consumer.close()
        await bench.close()
    }

    @Test("a worker that dies before it has pushed a delayed task loses nothing")
    func deathBeforePush() async throws {
        let bench = try await Bench()
        let body = task(1, "q")
        try await bench.delay(body)
        let now = Date.now
        let taken = try await bench.redis.evaluate(
            MachineryScripts.takeDue, keys: ["delayed_tasks", keys(of: "delayed_tasks").parked],
            arguments: [
                GoTime(now).unixNanoseconds, 10, GoTime(now.addingTimeInterval(1)).unixNanoseconds, "default", "",
            ])
        #expect(taken.array?.count == 2)
        let consumer = try await bench.consumer()
        let deliveries = try await consumer.next(atMost: 10)
        #expect(bodies(deliveries) == [body])
        try await until { try await bench.count("ZCARD", "delayed_tasks") == 0 }
        // One that was held up, and whose tasks others have by now, removes none of theirs.
        try await bench.delay(body, for: 3600)
        let late = try await bench.redis.evaluate(
            MachineryScripts.endDue, keys: ["delayed_tasks", keys(of: "delayed_tasks").parked],
            arguments: [GoTime(now).unixNanoseconds, "", body])
        #expect(late.array == [.integer(0)])
        #expect(try await bench.count("ZCARD", "delayed_tasks") == 1)
        try await consumer.close()
        await bench.close()
    }

    @Test("messages are claimed, settled, given back, parked and restored in the slots of their queues")
    func claims() async throws {
        let bench = try await Bench()
        try await bench.broker.publish(
            (0..<4).map { OutgoingMessage(message: WireMessage(body: Array("\($0)".utf8)), routingKey: "q") })
        let consumer = try await bench.consumer()
        let deliveries = try await consumer.next(atMost: 3)
        #expect(bodies(deliveries) == ["0", "1", "2"])
        try #require(deliveries.count == 3)
        #expect(try await bench.count("HLEN", "{q}.celeriac.claims") == 3)
        try await consumer.settle([
            Settlement(deliveries[0].receipt, .acknowledge),
            Settlement(deliveries[1].receipt, .park(MessageFault(reason: "test", detail: ""))),
        ])
        #expect(try await bench.broker.claims(in: "q").map(\.content.body) == [Array("2".utf8)])
        #expect(try await bench.broker.depth(of: "q") == 1)
        let parked = try await bench.broker.parkedMessages(in: "q", after: nil, limit: 10)
        #expect(try await bench.broker.requeueParked(parked.map(\.id), in: "q") == 1)
        // The other one's claim is as old as that of a worker that is dead.
        await consumer.stop()
        for tag in try await bench.redis.send(RedisCommand("ZRANGE", "{q}.celeriac.claimed", 0, -1)).array ?? [] {
            try await bench.redis.send(RedisCommand("ZADD", "{q}.celeriac.claimed", 1, tag.string ?? ""))
        }
        #expect(try await bench.broker.giveBackExpiredClaims(in: "q") == 1)
        let rest = (try await bench.redis.send(RedisCommand("LRANGE", "q", 0, -1)).array ?? []).compactMap(\.string)
        #expect(rest == ["2", "3", "1"])
        #expect(try await bench.broker.purge("q") == 3)
        try await consumer.close()
        await bench.close()
    }

    @Test("a chord whose group and members lie in several slots is completed once")
    func chord() async throws {
        let bench = try await Bench()
        let stores = (0..<2).map { _ in
            MachineryRedisResults(
                bench.configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: bench.logger)
        }
        let members = (0..<40).map { "task_\($0)" }
        let group = MachineryGroupMeta(groupUUID: "group_1", taskUUIDs: members, createdAt: .zero)
        _ = try await stores[0].perform([
            .save(groupID: "group_1", payload: group.encode(), expiry: .seconds(3600))
        ])
        var completions: [ChordCompletion] = []
        for (index, member) in members.enumerated() {
            let store = stores[index % 2]
            let payload = try MachineryTaskState(taskUUID: member, state: "SUCCESS").encode()
            try await store.store([ResultRecord(taskID: member, state: .success, payload: payload)])
            let part = ChordPart(
                groupID: "group_1", taskID: member, index: nil, size: members.count, payload: [],
                expiry: .seconds(3600))
            completions += try await store.perform([.add(part)]).compactMap { $0 }
        }
        #expect(completions.count == 1 && completions.first?.parts.count == members.count)
        // All at once, as a worker stores them.
        let records = try members.map { member in
            ResultRecord(
                taskID: member, state: .success,
                payload: try MachineryTaskState(taskUUID: member, state: "FAILURE").encode())
        }
        try await stores[0].store(records)
        let stored = try await stores[1].fetch(members + ["none"])
        #expect(stored.count == members.count + 1 && stored.firstIndex(of: nil) == members.count)
        try await stores[1].forget(members)
        let left = try await stores[0].fetch(members)
        #expect(left.compactMap(\.self).isEmpty)
        for store in stores { await store.close() }
        await bench.close()
    }
}
#endif
