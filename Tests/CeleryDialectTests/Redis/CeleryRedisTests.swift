#if Redis
import Celeriac
import CeleriacWire
import CeleryDialect
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import NIOConcurrencyHelpers
import Testing

@Suite("Celery on Redis", .timeLimit(.minutes(5)))
struct CeleryRedisTests {
    @Test("runs tasks, stores results as Celery does, and leaves nothing behind")
    func roundTrip() async throws {
        let bench = try await RedisBench()
        let worker = bench.app.worker { Tasks.add.handler { $0 + $1 } }
        let ids = try await bench.run(worker) {
            let results = try await bench.app.send((0..<500).map { Tasks.add($0, 1) })
            #expect(try await results.get(timeout: .seconds(120)) == Array(1...500))
            return results.map(\.id)
        }
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 0)
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        #expect(try await bench.int(RedisCommand("ZCARD", "unacked_index")) == 0)
        let stored = try await bench.redis.send(RedisCommand("GET", "celery-task-meta-\(ids[0])")).bytes
        let meta = try WireJSON.decode(stored ?? [])
        #expect(meta["status"] == "SUCCESS")
        #expect(meta["result"] == 1)
        #expect(meta["task_id"] == .string(ids[0]))
        #expect(
            meta.objectValue?.keys.map { $0 } == ["status", "result", "traceback", "children", "date_done", "task_id"])
        let ttl = try await bench.int(RedisCommand("TTL", "celery-task-meta-\(ids[0])"))
        #expect(ttl > 86000 && ttl <= 86400)
        await bench.close()
    }

    @Test("binds its queues in both of kombu's binding sets")
    func bindings() async throws {
        let bench = try await RedisBench()
        try await bench.app.send(Tasks.add(1, 2), queue: "math")
        for key in ["_kombu.binding.math", "_kombu.binding_permanent.math"] {
            let members = try await bench.redis.send(RedisCommand("SMEMBERS", key)).array ?? []
            #expect(members.compactMap(\.string) == ["math\u{06}\u{16}\u{06}\u{16}math"])
        }
        await bench.close()
    }

    @Test("takes the lower priority number first")
    func priorities() async throws {
        let bench = try await RedisBench()
        let order = NIOLockedValueBox<[Int]>([])
        for priority: UInt8 in [9, 6, 3, 0, 5] {
            try await bench.app.send(Tasks.number(Int(priority)), priority: priority)
        }
        #expect(try await bench.int(RedisCommand("LLEN", "celery\u{06}\u{16}3")) == 2)
        let worker = bench.app.worker(concurrency: 1) {
            Tasks.number.handler { number in
                order.withLockedValue { $0.append(number) }
                return number
            }
        }
        try await bench.run(worker) { await until { order.withLockedValue { $0.count } == 5 } }
        #expect(order.withLockedValue { $0 } == [0, 3, 5, 6, 9])
        await bench.close()
    }

    @Test("takes turns between queues")
    func queuesTakeTurns() async throws {
        let bench = try await RedisBench()
        for queue in ["a", "b"] {
            try await bench.app.send(
                (0..<40).map { Tasks.number($0) }, options: SendOptions(queue: queue, ignoresResult: true))
        }
        let order = NIOLockedValueBox<[String]>([])
        let worker = bench.app.worker(queues: ["a", "b"], concurrency: 1) {
            Tasks.number.handler { context, number in
                order.withLockedValue { $0.append(context.request.queue) }
                return number
            }
        }
        try await bench.run(worker) { await until { order.withLockedValue { $0.count } == 80 } }
        let first = order.withLockedValue { $0.prefix(40) }
        #expect(first.count { $0 == "a" } > 10 && first.count { $0 == "b" } > 10)
        await bench.close()
    }

    @Test("gives prefetched messages back in order, marked as redelivered")
    func gracefulStop() async throws {
        let bench = try await RedisBench()
        let (started, finish) = (Gate(), Gate())
        let results = try await bench.app.send((0..<12).map { Tasks.number($0) })
        var settings = WorkerConfiguration(queues: ["celery"], concurrency: 1)
        settings.prefetchMultiplier = 5
        let worker = bench.app.worker(settings) {
            Tasks.number.handler { number in
                started.open()
                await finish.wait()
                return number
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            await started.wait()
            #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 5)
            worker.stop()
            try await until { try await bench.int(RedisCommand("LLEN", "celery")) == 11 }
            finish.open()
            try await group.waitForAll()
        }
        #expect(try await bench.ids(in: "celery") == results.dropFirst().map(\.id))
        let next = try await bench.redis.send(RedisCommand("LINDEX", "celery", -1)).bytes ?? []
        let envelope = try WireJSON.decode(next)
        #expect(envelope["headers"]?["redelivered"] == true)
        #expect(envelope["properties"]?["delivery_info"]?["redelivered"] == true)
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        #expect(try await results[0].get(timeout: .seconds(120)) == 0)
        await bench.close()
    }

    @Test("renews its claims while handlers block their threads, so that each task runs once")
    func renewsClaims() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        let runs = NIOLockedValueBox<[Int: Int]>([:])
        let handler = Tasks.number.handler(options: TaskOptions(placement: .blocking)) { number in
            runs.withLockedValue { $0[number, default: 0] += 1 }
            // This is longer than the visibility timeout. It blocks a thread of the worker's own, because all tests
            // share the pool.
            blockThread(seconds: 3)
            return number
        }
        let first = bench.app.worker(concurrency: 4) { handler }
        let second = try RedisBench.makeApp(bench.url, visibilityTimeout: .seconds(1))
        let other = second.worker(concurrency: 1) { handler }
        let results = try await bench.app.send((0..<4).map { Tasks.number($0) })
        let values = try await bench.run(first) {
            try await bench.run(other) { try await results.get(timeout: .seconds(40)) }
        }
        #expect(values == [0, 1, 2, 3])
        #expect(runs.withLockedValue { $0 } == [0: 1, 1: 1, 2: 1, 3: 1])
        await second.close()
        await bench.close()
    }

    @Test("restores in order what a dead worker had claimed")
    func restoresExpiredClaims() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        let results = try await bench.app.send((0..<3).map { Tasks.number($0) })
        // A killed Python worker leaves this behind: claims whose time has passed.
        for index in 0..<3 {
            let message = try await bench.redis.send(RedisCommand("RPOP", "celery")).string ?? ""
            _ = try await bench.redis.send([
                RedisCommand("HSET", "unacked", "tag\(index)", "[\(message), \"\", \"celery\"]"),
                RedisCommand("ZADD", "unacked_index", 1_000_000 + index, "tag\(index)"),
            ])
        }
        let order = NIOLockedValueBox<[Int]>([])
        let worker = bench.app.worker(concurrency: 1) {
            Tasks.number.handler { number in
                order.withLockedValue { $0.append(number) }
                return number
            }
        }
        let values = try await bench.run(worker) { try await results.get(timeout: .seconds(120)) }
        #expect(values == [0, 1, 2])
        #expect(order.withLockedValue { $0 } == [0, 1, 2])
        #expect(try await bench.int(RedisCommand("EXISTS", "unacked", "unacked_index", "unacked_mutex")) == 0)
        await bench.close()
    }

    @Test("a claim by an exchange goes back to all queues that are bound to it, and to none if one is no list")
    func restoresToAllQueues() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        for queue in ["first", "second"] {
            _ = try await bench.redis.send(
                RedisCommand("SADD", "_kombu.binding.media", "k\u{06}\u{16}\u{06}\u{16}\(queue)"))
        }
        _ = try await bench.redis.send([
            RedisCommand("SADD", "_kombu.binding.media", "odd\u{06}\u{16}\u{06}\u{16}first"),
            RedisCommand("SADD", "_kombu.binding.media", "odd\u{06}\u{16}\u{06}\u{16}set"),
            RedisCommand("SADD", "set", "x"),
            RedisCommand("HSET", "unacked", "tag", #"[{"a":1}, "media", "k"]"#),
            RedisCommand("ZADD", "unacked_index", 2, "tag"),
            RedisCommand("HSET", "unacked", "stays", #"[{"b":1}, "media", "odd"]"#),
            RedisCommand("ZADD", "unacked_index", 1, "stays"),
        ])
        let worker = bench.app.worker { Tasks.number.handler { $0 } }
        try await bench.run(worker) {
            await until { (try? await bench.int(RedisCommand("HEXISTS", "unacked", "tag"))) == 0 }
        }
        for queue in ["first", "second"] {
            let back = try await bench.redis.send(RedisCommand("LRANGE", queue, 0, -1)).array ?? []
            #expect(back.compactMap(\.string) == [#"{"a":1}"#], "\(queue)")
        }
        #expect(try await bench.int(RedisCommand("HEXISTS", "unacked", "stays")) == 1)
        await bench.close()
    }

    @Test("an expired claim goes back to its own queue as it was, whether or not it can be read")
    func unreadableClaims() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        let odd = #"{"body": "W10=", "headers": {"id": "i", "task": "a\udcff"}, "properties": {"x": 1}}"#
        let claims = [
            "text": "raw \"text\", ", "object": #"{"a":1}"#, "list": "[1,2]", "odd": odd, "slash": #""\\\""#,
        ]
        for (tag, payload) in claims {
            _ = try await bench.redis.send([
                RedisCommand("HSET", "unacked", tag, "[\(payload), \"\", \"emails\"]"),
                RedisCommand("ZADD", "unacked_index", 1, tag),
            ])
        }
        let worker = bench.app.worker { Tasks.number.handler { $0 } }
        try await bench.run(worker) {
            await until { ((try? await bench.int(RedisCommand("LLEN", "emails"))) ?? 0) == claims.count }
        }
        let back = try await bench.redis.send(RedisCommand("LRANGE", "emails", 0, -1)).array ?? []
        #expect(Set(back.compactMap(\.string)) == Set(claims.values))
        #expect(try await bench.int(RedisCommand("EXISTS", "unacked", "celery.parked")) == 0)
        await bench.close()
    }

    @Test("keeps an expired claim for which no queue is bound, and parks one that cannot be taken apart")
    func hostileClaims() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        try await bench.app.send(Tasks.number(1))
        let message = try await bench.redis.send(RedisCommand("LINDEX", "celery", 0)).string ?? ""
        _ = try await bench.redis.send([
            RedisCommand("HSET", "unacked", "unbound", "[\(message), \"nowhere\", \"x\"]", "broken", "[not json"),
            RedisCommand("ZADD", "unacked_index", 1, "unbound", 2, "broken", 3, "gone"),
        ])
        let worker = bench.app.worker { Tasks.number.handler { $0 } }
        try await bench.run(worker) {
            await until { ((try? await bench.int(RedisCommand("LLEN", "celery.parked"))) ?? 0) == 1 }
        }
        let kept = try await bench.redis.send(RedisCommand("HKEYS", "unacked")).array ?? []
        #expect(kept.compactMap(\.string) == ["unbound"])
        #expect(try await bench.int(RedisCommand("ZCARD", "unacked_index")) == 1)
        await bench.close()
    }

    @Test("parks a message that comes back too often")
    func poison() async throws {
        let bench = try await RedisBench(visibilityTimeout: .seconds(1))
        let result = try await bench.app.send(Tasks.number(1))
        // Leave the message behind again and again, as workers do that die while they run it.
        for attempt in 0..<6 {
            let lost = CeleryRedisTests.LostConsumer(bench: bench)
            // The first beginning is not counted: nothing says yet that the message will come back.
            try await lost.claimAndDie(max(0, attempt - 1))
        }
        let worker = bench.app.worker { Tasks.number.handler { $0 } }
        try await bench.run(worker) {
            await until { ((try? await bench.int(RedisCommand("LLEN", "celery.parked"))) ?? 0) == 1 }
        }
        let record = try WireJSON.decode(
            try await bench.redis.send(RedisCommand("LINDEX", "celery.parked", 0)).bytes ?? [])
        #expect(record["reason"] == "tooManyAttempts")
        let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(120)) }
        #expect(error?.type == "WorkerLostError" && error?.module == "billiard.exceptions")
        await bench.close()
    }

    @Test("fails a chord that has a rejected member")
    func rejectedMember() async throws {
        let bench = try await RedisBench()
        let rejected = TaskDefinition<Int, Int>("tests.rejected")
        let worker = bench.app.worker {
            Tasks.number.handler { $0 }
            rejected.handler { _ in throw Rejection(requeue: false) }
            Tasks.sum.handler { $0.reduce(0, +) }
        }
        try await bench.run(worker) {
            let joined = try await bench.app.send(chord([rejected(1), Tasks.number(2)], body: Tasks.sum))
            let error = await #expect(throws: RemoteTaskError.self) { try await joined.get(timeout: .seconds(120)) }
            #expect(error?.type == "ChordError" && error?.module == "celery.exceptions")
        }
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        await bench.close()
    }

    @Test func whatComesBackWithoutHavingBegunCostsNoAttempt() async throws {
        let bench = try await RedisBench()
        _ = try await bench.app.send(Tasks.number(1))
        let lost = CeleryRedisTests.LostConsumer(bench: bench)
        for _ in 0..<7 { try await lost.claimAndDie(0, begins: false) }
        for attempt in 0..<3 { try await lost.claimAndDie(attempt) }
        await bench.close()
    }

    /// Claims a message like a worker that is then killed. Its claim has expired when the next worker comes.
    struct LostConsumer {
        let bench: RedisBench

        func claimAndDie(_ attempt: Int, begins: Bool = true) async throws {
            let broker = CeleryRedisBroker(
                try RedisConfiguration(url: bench.url),
                options: CeleryRedisOptions(visibilityTimeout: .seconds(1)),
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: .init(label: "test"))
            do {
                // Its connection ends with it, and it gives nothing back.
                let consumer = try await broker.consume(
                    ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "w"))
                let deliveries = try await consumer.next(atMost: 1)
                #expect(deliveries.first?.attempts == attempt)
                let back = deliveries.filter(\.redelivered)
                if begins { try await consumer.markBegun(back.map(\.receipt)) }
            }
            let tags = try await bench.redis.send(RedisCommand("ZRANGE", "unacked_index", 0, -1)).array ?? []
            await broker.close()
            for tag in tags.compactMap(\.string) {
                _ = try await bench.redis.send(RedisCommand("ZADD", "unacked_index", 1, tag))
            }
        }
    }
}

private func blockThread(seconds: Double) { Thread.sleep(forTimeInterval: seconds) }
#endif
