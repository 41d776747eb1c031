#if Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Foundation
import MachineryDialect
import MachineryWire
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@Suite("Machinery on Redis: the worker", .timeLimit(.minutes(5)))
struct MachineryRedisWorkerTests {
    @Test func servesTypedAndUntypedTasks() async throws {
        let bench = try await MachineryBench()
        try await bench.run {
            let sums = try await bench.server.send((0..<300).map { MachineryTasks.add([$0, 1]) })
            #expect(try await sums.get(timeout: .seconds(120)) == Array(1...300))
            let several = try await bench.server.send(MachineryTasks.echoMulti("a", 2, ["x", "y"]))
            let results = try await several.get(timeout: .seconds(120), every: .milliseconds(5)).values
            #expect(results.0 == "a" && results.1 == 2 && results.2 == ["x", "y"])
            let untyped = try await bench.server.send(Signature("add", arguments: [20, 22]))
            #expect(try await untyped.get(timeout: .seconds(120)) == 42)
            let nothing = try await bench.server.send(Signature("noresult"))
            #expect(try await nothing.get(timeout: .seconds(120)) == .null)
            let bytes = try await bench.server.send(TaskDefinition<[UInt8], [UInt8]>("echo_bytes")([0, 255, 7]))
            #expect(try await bytes.get(timeout: .seconds(120)) == [0, 255, 7])
            let failing = try await bench.server.send(MachineryTasks.failTask("boom"))
            await #expect { try await failing.get(timeout: .seconds(120)) } throws: {
                ($0 as? RemoteTaskError)?.message == "boom"
            }
            #expect(try await failing.status() == .failure)
        }
        #expect(try await bench.content().keys.allSatisfy { $0.hasPrefix("task_") })
        await bench.close()
    }

    @Test func runsChainsGroupsAndChords() async throws {
        let bench = try await MachineryBench()
        let server = bench.server
        @Sendable func add(_ numbers: Int...) throws -> MachinerySignature {
            try server.signature(MachineryTasks.add(Variadic(numbers)))
        }
        try await bench.run {
            let four = try server.signature(MachineryTasks.multiply([4]))
            let chain = try await server.send(MachineryChain([add(1, 1), add(5, 5), four]))
            #expect(try await chain.get(timeout: .seconds(120)) == [2, 12, 48])
            let group = try await server.send(MachineryGroup((1...20).map { try add($0, $0) }), sendConcurrency: 3)
            #expect(try await group.get(timeout: .seconds(120)) == (1...20).map { .int(2 * $0) })
            for _ in 0..<20 {
                let chord = MachineryChord(MachineryGroup([try add(1, 1), try add(2, 3), try add(7)]), callback: four)
                #expect(try await server.send(chord).get(timeout: .seconds(120)) == 280)
            }
        }
        await bench.close()
    }

    /// Runs Celery's canvas, compiled for Machinery.
    @Test func runsTheCanvasThatBothDialectsShare() async throws {
        let bench = try await MachineryBench()
        let server = bench.server
        try await bench.run {
            let chain = try await server.send(
                MachineryTasks.add([1, 1]).then(MachineryTasks.multiply([4])).then(MachineryTasks.add([2]).immutable()))
            let last = try await chain.get(timeout: .seconds(120))
            #expect(last == 2)
            let eight = try await chain.parent?.get(timeout: .seconds(120))
            #expect(eight == 8)
            let sums = try await server.send(group([MachineryTasks.add([1]), MachineryTasks.add([2, 3])]))
            let results = try await sums.results.get(timeout: .seconds(120))
            #expect(results == [1, 5])
            let product = try await server.send(
                chord([MachineryTasks.add([1, 2]), MachineryTasks.add([2, 3])], body: MachineryTasks.multiply([2])))
            let thirty = try await product.get(timeout: .seconds(120))
            #expect(thirty == 30)
            let linked = try await server.send(
                MachineryTasks.add([1, 1]).onSuccess(
                    MachineryTasks.multiply([21]).with(SendOptions(taskID: "task_linked"))))
            _ = try await linked.get(timeout: .seconds(120))
            let state = try await bench.ended("task_linked")
            #expect(state.results?.first?.value == 42)
        }
        // A workflow that Machinery cannot express is refused before anything is sent.
        let inner = group([MachineryTasks.add([1])]).signature()
        for signature in [chain([inner, Signature("add")]), chain([Signature("add"), inner])] {
            await #expect { try await server.send(signature) } throws: { ($0 as? CeleriacError)?.code == .unsupported }
        }
        await bench.close()
    }

    @Test func aChordWhoseMemberFailsTellsItsCallers() async throws {
        let bench = try await MachineryBench()
        let server = bench.server
        var callback = MachinerySignature(uuid: "chord_x", name: "multiply")
        callback.onError = [MachinerySignature(uuid: "task_told", name: "log_error")]
        let members = [
            try server.signature(MachineryTasks.add([1, 1])), try server.signature(MachineryTasks.failTask("boom")),
        ]
        let chord = MachineryChord(MachineryGroup(members), callback: callback)
        try await bench.run {
            let result = try await server.send(chord)
            await #expect { try await result.get(timeout: .seconds(120)) } throws: {
                ($0 as? RemoteTaskError)?.message == "boom"
            }
            let state = try await bench.ended("chord_x")
            #expect(state.error.hasPrefix("chord member task_") && state.error.hasSuffix(" failed: boom"))
            let told = try await bench.ended("task_told")
            #expect(told.results?.first?.value.stringValue?.contains("failed: boom") == true)
        }
        await bench.close()
    }

    @Test func aChordWhoseMemberIsRejectedTellsItsCallers() async throws {
        let bench = try await MachineryBench()
        let server = bench.server
        let members = [
            try server.signature(MachineryTasks.add([1, 1])), try server.signature(TaskDefinition<Void>("reject")()),
        ]
        let chord = MachineryChord(
            MachineryGroup(members), callback: MachinerySignature(uuid: "chord_r", name: "multiply"))
        let worker = server.worker(consumerTag: "rejecting", concurrency: 2) {
            MachineryTasks.all
            TaskDefinition<Void>("reject").handler { throw Rejection(requeue: false) }
        }
        try await bench.run(worker) {
            let result = try await server.send(chord)
            await #expect { try await result.get(timeout: .seconds(120)) } throws: {
                ($0 as? RemoteTaskError)?.message == "the task was rejected"
            }
            let state = try await bench.ended("chord_r")
            #expect(state.error.hasSuffix(" failed: the task was rejected"))
        }
        await bench.close()
    }

    /// Workers store nothing for the tasks of a chain after one that failed.
    @Test func aChainWhoseTaskFailsTellsItsCallers() async throws {
        let bench = try await MachineryBench()
        let server = bench.server
        let failing = TaskDefinition<String, Int>("fail_res_task")
        try await bench.run {
            let chain = try await server.send(
                MachineryChain([
                    server.signature(failing("boom")), server.signature(MachineryTasks.add([1])),
                    server.signature(MachineryTasks.add([2])),
                ]))
            let last = try #require(chain.last)
            let typed = try await server.send(failing("boom").then(MachineryTasks.add([1])))
            let waits: [@Sendable () async throws -> Void] = [
                { _ = try await chain.get() }, { _ = try await last.get() },
                { _ = try await last.get(every: .milliseconds(5)) }, { _ = try await typed.get() },
            ]
            for wait in waits {
                await #expect { try await wait() } throws: { ($0 as? RemoteTaskError)?.message == "boom" }
            }
            let status = try await last.status()
            #expect(status == .pending)
        }
        await bench.close()
    }

    /// A Go worker stores nothing for the callback of a chord with a failed member.
    @Test func aChordThatGoWorkersLeaveTellsItsCallers() async throws {
        let bench = try await MachineryBench()
        let members = [
            try bench.server.signature(MachineryTasks.add([1])), try bench.server.signature(MachineryTasks.add([2])),
        ]
        let chord = try await bench.server.send(
            MachineryChord(MachineryGroup(members), callback: MachinerySignature(name: "multiply")))
        // This is the state that real Go writes for a failed member.
        let failure = try #require(
            try RecordedCase("redis-09d-chord-one-fails").left.values.compactMap(\.first).first {
                $0.contains(#""State":"FAILURE""#)
            })
        let id = try #require(chord.members.last?.id)
        let state = failure.replacing(/"TaskUUID":"[^"]*"/, with: #""TaskUUID":"\#(id)""#)
        _ = try await bench.redis.send(RedisCommand("SET", id, state))
        await #expect { try await chord.get() } throws: { ($0 as? RemoteTaskError)?.taskID == id }
        await #expect { try await chord.callback.get() } throws: { ($0 as? RemoteTaskError)?.taskID == id }
        await bench.close()
    }

    @Test func movesAllDueTasksAtOnceAndParksWhatIsNone() async throws {
        let bench = try await MachineryBench(redis: MachineryRedisSettings(delayedTasksPollPeriod: 200))
        let handles = try await bench.server.send(
            (0..<1200).map { MachineryTasks.add([$0]) }, options: SendOptions(countdown: .milliseconds(100)))
        _ = try await bench.redis.send(RedisCommand("ZADD", "delayed_tasks", 5, "not a task"))
        let lower = #"{"uuid":"task_low","name":"add","routingkey":"","args":[{"Type":"int64","Value":9}]}"#
        _ = try await bench.redis.send(RedisCommand("ZADD", "delayed_tasks", 6, lower))
        try await bench.run {
            let results = try await handles.get(timeout: .seconds(60))
            #expect(results == Array(0..<1200))
            let low = try await bench.ended("task_low")
            #expect(low.results?.first?.value == 9)
        }
        let parked = try await bench.elements(of: "delayed_tasks.parked")
        #expect(parked.count == 1)
        let record = try WireJSON.decode(parked.first ?? [])
        #expect(record["message"] == "not a task")
        #expect(record["reason"] == "undecodableDelayedTask")
        await bench.close()
    }

    @Test func aDelayedTaskWhoseQueueIsNoListIsParkedAndFails() async throws {
        let bench = try await MachineryBench(redis: MachineryRedisSettings(delayedTasksPollPeriod: 200))
        _ = try await bench.redis.send(RedisCommand("SET", "no_list", "text"))
        let task = #"{"UUID":"task_lost","Name":"add","RoutingKey":"no_list","Args":[{"Type":"int64","Value":9}]}"#
        _ = try await bench.redis.send(RedisCommand("ZADD", "delayed_tasks", 5, task))
        try await bench.run {
            try await until { try await bench.elements(of: "delayed_tasks.parked").count == 1 }
        }
        // The next worker looks when it begins.
        try await bench.run {
            let state = try await bench.ended("task_lost")
            #expect(state.state == "FAILURE" && state.error.contains("undecodableDelayedTask"), "\(state)")
        }
        await bench.close()
    }

    @Test func putsBackWhatAWorkerThatIsGoneHeldAndCountsIt() async throws {
        let bench = try await MachineryBench(redis: MachineryRedisSettings(claimTimeout: 1))
        func message(_ id: String) throws -> [UInt8] {
            try MachinerySignature(uuid: id, name: "add", args: [MachineryArgument(1)]).encode()
        }
        // This is the state of a worker that was killed while it held one message for the first and one for the sixth
        // time, and while another was being handed over to it.
        let keys = "machinery_tasks.celeriac."
        let poison = try message("task_poison")
        let digest =
            try await bench.redis.send(
                RedisCommand("EVAL", "return redis.sha1hex(ARGV[1])", 0, poison)
            ).string ?? ""
        _ = try await bench.redis.send([
            RedisCommand("HSET", keys + "claims", "dead.1", try message("task_first"), "dead.2", poison),
            RedisCommand("ZADD", keys + "claimed", 1, "dead.1", 2, "dead.2"),
            RedisCommand("HSET", keys + "attempts", digest, 5),
            RedisCommand("RPUSH", keys + "handover", try message("task_handed")),
        ])
        try await bench.run {
            #expect(try await bench.ended("task_first").state == "SUCCESS")
            #expect(try await bench.ended("task_handed").state == "SUCCESS")
            // Its caller need not wait for ever.
            let lost = try await bench.ended("task_poison")
            #expect(lost.error == "the task was begun 5 times without ending, and its message is parked")
        }
        let record = try WireJSON.decode(try await bench.elements(of: "machinery_tasks.parked").first ?? [])
        #expect(record["reason"] == "tooManyAttempts")
        #expect(record["message"]?.stringValue.map { Array($0.utf8) } == poison)
        #expect(try await bench.content().keys.allSatisfy { !$0.contains("celeriac") })
        await bench.close()
    }

    @Test func givesBackInOrderWhatItHadNotBegun() async throws {
        let bench = try await MachineryBench()
        let started = Gate2()
        let release = Gate2()
        let server = bench.server
        try await server.send((0..<6).map { TaskDefinition<Int, Int>("hold")($0) })
        let before = try await bench.elements(of: "machinery_tasks")
        let worker = server.worker(consumerTag: "w", concurrency: 1) {
            TaskDefinition<Int, Int>("hold").handler { number in
                started.open()
                await release.wait()
                return number
            }
        }
        async let run: Void = worker.run()
        await started.wait()
        worker.stop()
        // Messages that have not started are given back immediately, while the first task is still running.
        try await until { try await bench.elements(of: "machinery_tasks").count == 5 }
        release.open()
        try await run
        let after = try await bench.elements(of: "machinery_tasks")
        let order = after.map { before.firstIndex(of: $0) }
        #expect(order == [1, 2, 3, 4, 5])
        #expect(try await bench.content().keys.allSatisfy { !$0.contains("celeriac") })
        await bench.close()
    }

    @Test func anUnknownTaskIsGivenBackAFewTimesIfThatIsTheLimitAndThenParkedWhileOthersRun() async throws {
        let bench = try await MachineryBench(unregisteredAttempts: 3)
        let recorded = try RecordedCase("redis-14-unregistered")
        let message = try #require(recorded.pushed.first)
        try await bench.push(message.utf8)
        try await bench.run {
            let handle = try await bench.server.send(MachineryTasks.add([1, 2]))
            #expect(try await handle.get(timeout: .seconds(120)) == 3)
            try await until { try await !bench.elements(of: "machinery_tasks.parked").isEmpty }
        }
        let record = try WireJSON.decode(try await bench.elements(of: "machinery_tasks.parked").first ?? [])
        #expect(record["reason"] == "unregistered")
        #expect(record["message"] == .string(message))
        #expect(try await bench.content().keys.allSatisfy { !$0.contains("celeriac") })
        await bench.close()
    }

    /// These probes stopped or killed Go workers; this worker continues.
    @Test func badMessagesNeverStopTheWorker() async throws {
        let bench = try await MachineryBench()
        let crash = try RecordedCase("redis-15z-slice-given-bool-crash")
        let probes: [[UInt8]] = [
            Array("not json".utf8), [], [0xff, 0xfe], Array("[]".utf8), Array("5".utf8), Array(#"{"UUID":5}"#.utf8),
            Array(#"{"Priority":300}"#.utf8), Array(#"{"UUID":"task_eta","Name":"add","ETA":"soon"}"#.utf8),
            Array(String(repeating: #"{"OnSuccess":["#, count: 20_000).utf8), Array("{\"Name\":\"add\"".utf8),
        ]
        for probe in probes { try await bench.push(probe) }
        for message in crash.pushed { try await bench.push(message.utf8) }
        let badArgument = #"{"UUID":"task_bad","Name":"echo_int64","Args":[{"Type":"map","Value":1}]}"#
        for _ in 0..<3 { try await bench.push(badArgument.utf8) }
        try await bench.run {
            let handles = try await bench.server.send((0..<20).map { MachineryTasks.add([$0]) })
            #expect(try await handles.get(timeout: .seconds(120)) == Array(0..<20))
            #expect(
                try await bench.ended("task_bad").error == "Reflect task args error: map is not one of supported types")
            #expect(
                try await bench.ended("task_eta").error
                    == "the message cannot be run and is parked: "
                    + "invalidField: ETA of the signature is not a time of RFC 3339")
            let crashed = try #require(crash.stored.first?.key)
            #expect(try await bench.ended(crashed).error.hasPrefix("Reflect task args error: reflect: call of"))
            try await until { try await bench.elements(of: "machinery_tasks.parked").count >= probes.count }
        }
        let parked = try await bench.elements(of: "machinery_tasks.parked").map { try WireJSON.decode($0) }
        #expect(parked.count == probes.count)
        let reasons = Set(parked.compactMap { $0["reason"]?.stringValue })
        #expect(reasons == ["malformedJSON", "emptyBody", "invalidField", "tooDeep"])
        await bench.close()
    }

    /// Sends hand-made messages, good ones after bad ones. Go workers ran none of them, or lost some and never
    /// recovered. Where Go did answer, the answer is the same.
    @Test(arguments: [
        "redis-16-malformed-json", "redis-16b-minimal-message", "redis-16c-error-then-20-tasks",
        "redis-16d-badarg-then-20-tasks", "goredis-16c-error-then-20-tasks",
    ])
    func handMadeMessages(_ name: String) async throws {
        let recorded = try RecordedCase(name)
        // Go workers rewrote some of the messages when they pushed them back, each of them once.
        let readable = try Dictionary(
            (recorded.received + recorded.everPushed).map { message in
                (try MachinerySignature.decode(Array(message.utf8)).uuid, message)
            }, uniquingKeysWith: { first, _ in first })
        // One of Go's drivers logs the unreadable message, and the other's captures lack it; it was the same message.
        let hasUnreadable = !name.contains("16b") && !name.contains("16d")
        let unreadable: Set = hasUnreadable ? ["not json"] : []
        #expect(!readable.isEmpty && Set(recorded.unreadable).isSubset(of: unreadable))
        let bench = try await MachineryBench()
        for message in Array(unreadable) + readable.values { try await bench.push(message.utf8) }
        try await bench.run {
            for id in readable.keys {
                let state = try await bench.ended(id)
                let left = try recorded.left[id]?.first.map { try MachineryTaskState.decode(Array($0.utf8)) }
                #expect(state.state == left?.state ?? "SUCCESS")
                if let left { #expect(state.results == left.results && state.error == left.error) }
            }
            // A worker that stops gives back messages that have not started.
            try await until { try await bench.elements(of: "machinery_tasks.parked").count == unreadable.count }
        }
        let parked = try await bench.elements(of: "machinery_tasks.parked").map { try WireJSON.decode($0)["message"] }
        #expect(Set(parked.compactMap { $0?.stringValue }) == unreadable)
        #expect(try await bench.elements(of: "machinery_tasks").isEmpty)
        await bench.close()
    }

    @Test func retriesAreCountedDownAndEachWaitsLonger() async throws {
        let bench = try await MachineryBench()
        var signature = try bench.server.signature(TaskDefinition<String, Void>("retry_task")("no"))
        signature.uuid = "task_r"
        signature.retryCount = 3
        signature.retryTimeout = 2
        try await bench.push(signature.encode())
        try await bench.run {
            try await until { try await bench.int(RedisCommand("ZCARD", "delayed_tasks")) > 0 }
        }
        let message = try await bench.redis.send(RedisCommand("ZRANGE", "delayed_tasks", 0, 0)).array?.first?.bytes
        let later = try MachinerySignature.decode(message ?? [])
        #expect(later.retryCount == 2)
        #expect(later.retryTimeout == 3)
        #expect(later.uuid == "task_r")
        #expect(try await bench.state("task_r")?.state == "PENDING")
        await bench.close()
    }

    @Test func periodicTasksAreSentOnceByAllThatShareALock() async throws {
        let bench = try await MachineryBench()
        let record = NIOLockedValueBox<[Int64: Int]>([:])
        let servers = try (0..<2).map { _ in
            let lock = MachineryRedisLock(
                try RedisConfiguration(url: bench.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
                logger: MachineryBench.logger)
            return try MachineryServer(
                configuration: bench.server.configuration,
                lock: RecordingLock(lock: lock) { expiry in record.withLockedValue { $0[expiry, default: 0] += 1 } },
                logger: MachineryBench.logger)
        }
        for server in servers {
            try server.registerPeriodicTask(
                "@every 1s", name: "periodic-add", server.signature(MachineryTasks.add([1, 1])))
        }
        let first = Task { try await servers[0].run() }
        let second = Task { try await servers[1].run() }
        try await until { try await bench.int(RedisCommand("LLEN", "machinery_tasks")) >= 2 }
        let value = try await bench.int(RedisCommand("GET", "machinery_lock_workerperiodic-add@every 1s"))
        first.cancel()
        second.cancel()
        _ = await (first.result, second.result)
        // Each time, exactly one of them acquired the lock and sent one task.
        let times = record.withLockedValue { $0 }
        #expect(times.values.allSatisfy { $0 == 1 })
        #expect(times.keys.allSatisfy { $0 % 1_000_000_000 == 999_999_999 })
        let sent = try await bench.elements(of: "machinery_tasks").map { try MachinerySignature.decode($0) }
        #expect(Set(sent.map(\.uuid)).count == sent.count)
        #expect(sent.count <= times.count)
        #expect(sent.allSatisfy { $0.onSuccess == [] && $0.onError == [] })
        #expect(value == -1 || value % 1_000_000_000 == 999_999_999)
        #expect(throws: CeleriacError.self) {
            try bench.server.registerPeriodicTask("* * * *", name: "x", MachinerySignature(name: "add"))
        }
        for server in servers { await server.close() }
        await bench.close()
    }

    @Test func hooksAreCalledAndErrorsTold() async throws {
        let bench = try await MachineryBench()
        let calls = NIOLockedValueBox<[String]>([])
        let hooks = WorkerHooks(
            preTask: { context in calls.withLockedValue { $0.append("pre \(context.machinerySignature?.name ?? "")") }
            },
            postTask: { context, _ in
                calls.withLockedValue { $0.append("post \(context.machinerySignature?.name ?? "")") }
            },
            error: { _, error in
                calls.withLockedValue { $0.append("error \((error as? TaskFailure)?.arguments ?? [])") }
            })
        let worker = bench.server.worker(consumerTag: "w", concurrency: 1, hooks: hooks) { MachineryTasks.all }
        try await bench.run(worker) {
            let one = try await bench.server.send(MachineryTasks.add([1]))
            _ = try await one.get(timeout: .seconds(120))
            let two = try await bench.server.send(MachineryTasks.failTask("boom"))
            _ = try? await two.get(timeout: .seconds(20))
        }
        #expect(
            calls.withLockedValue { $0 } == [
                "pre add", "post add", "pre fail_task", "error \([WireValue.string("boom")])", "post fail_task",
            ])
        await bench.close()
    }

    @Test func aQueueOfItsOwn() async throws {
        let bench = try await MachineryBench()
        let worker = bench.server.worker(consumerTag: "w", queue: "other_q", concurrency: 1) { MachineryTasks.all }
        try await bench.server.send(MachineryTasks.add([1]))
        try await bench.run(worker) {
            let handle = try await bench.server.send(MachineryTasks.add([1, 2]), queue: "other_q")
            #expect(try await handle.get(timeout: .seconds(120)) == 3)
        }
        #expect(try await bench.int(RedisCommand("LLEN", "machinery_tasks")) == 1)
        await bench.close()
    }
}

/// Reports the times for which the lock was acquired.
private struct RecordingLock: MachineryLock {
    let lock: any MachineryLock
    let acquired: @Sendable (Int64) -> Void

    func acquire(_ key: String, until expiry: Int64) async throws -> Bool {
        guard try await lock.acquire(key, until: expiry) else { return false }
        acquired(expiry)
        return true
    }
}

/// A one-time event to wait for.
private final class Gate2: Sendable {
    private let stream = AsyncStream<Void>.makeStream()

    func open() { stream.continuation.finish() }

    func wait() async { for await _ in stream.stream {} }
}
#endif
