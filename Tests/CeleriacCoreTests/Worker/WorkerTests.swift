import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import Testing

private let add = TaskDefinition<Int, Int, Int>("add", parameters: "x", .init("y", default: 10))
private let sum = TaskDefinition<Variadic<Int>, Int>("sum")
private let note = TaskDefinition<String, Void>("note")
private let work = TaskDefinition<Void>("work")

@Suite("Worker", .timeLimit(.minutes(5)))
struct WorkerTests {
    @Test("runs tasks and stores their results before it acknowledges them")
    func runs() async throws {
        let bench = Bench()
        let seen = NIOLockedValueBox<[String]>([])
        let worker = bench.worker {
            add.handler { $0 + $1 }
            sum.handler { $0.elements.reduce(0, +) }
            note.handler { text in seen.withLockedValue { $0.append(text) } }
        }
        try await bench.run(worker) {
            #expect(try await bench.client.send(add(2, 3)).get() == 5)
            #expect(try await bench.client.send(add.keywords(2, 3)).get() == 5)
            let defaulted = try await bench.client.send(Signature("add", arguments: [2], returning: Int.self)).get()
            #expect(defaulted == 12)
            #expect(try await bench.client.send(sum([1, 2, 3])).get() == 6)
            try await bench.client.send(note("hello")).get()
        }
        #expect(seen.withLockedValue { $0 } == ["hello"])
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("stores what a handler throws, and a call that does not fit as Python's TypeError")
    func failures() async throws {
        struct Broken: Error {}
        let bench = Bench()
        let worker = bench.worker {
            add.handler { _, _ in throw TaskFailure("ValueError", "no") }
            work.handler { throw Broken() }
        }
        try await bench.run(worker) {
            await expectFailure("ValueError", ["no"]) { try await bench.client.send(add(1, 2)).get() }
            await expectFailure("Broken") { try await bench.client.send(work()).get() }
            for (arguments, keywords): ([WireValue], WireObject) in [
                ([1, 2, 3], [:]), ([], [:]), ([1, "x"], [:]), ([1], ["x": 1]), ([1], ["z": 1]),
            ] {
                await expectFailure("TypeError") {
                    _ = try await bench.client.send(
                        Signature("add", arguments: arguments, keywordArguments: keywords)
                    ).get()
                }
            }
        }
    }

    @Test("retries after the delay, then fails with the cause")
    func retries() async throws {
        let bench = Bench()
        let runs = NIOLockedValueBox(0)
        let worker = bench.worker {
            work.handler(options: TaskOptions(retry: RetryPolicy(maximumRetries: 2, delay: .fixed(.seconds(60))))) {
                context in
                runs.withLockedValue { $0 += 1 }
                try context.retry(cause: TaskFailure("KeyError", "again \(context.retries)"))
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(work())
            for expected in 1...2 {
                await until { runs.withLockedValue { $0 } == expected && bench.timers.count == 1 }
                bench.timers.advance(by: .seconds(60))
            }
            await expectFailure("KeyError", ["again 2"]) { try await result.get() }
        }
        #expect(runs.withLockedValue { $0 } == 3)
    }

    @Test("holds a task until its time without taking a slot")
    func eta() async throws {
        let bench = Bench()
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1) { add.handler { $0 + $1 } }
        try await bench.run(worker) {
            let later = try await bench.client.send(add(1, 1), countdown: .seconds(100))
            await until { bench.timers.count == 1 }
            #expect(try await bench.client.send(add(2, 2)).get() == 4)
            #expect(try await later.status() == .pending)
            bench.timers.advance(by: .seconds(100))
            #expect(try await later.get() == 2)
        }
    }

    @Test(
        "without prefetch takes a message only when a handler is free for it, also if it acknowledges early",
        arguments: [TaskOptions.Acknowledgement.late, .early])
    func withoutPrefetch(_ acknowledgement: TaskOptions.Acknowledgement) async throws {
        let bench = Bench()
        let (begun, first, rest) = (NIOLockedValueBox(0), Gate(), Gate())
        let worker = bench.worker(
            concurrency: 2, acknowledgement: acknowledgement, configure: { $0.disablesPrefetch = true }
        ) {
            add.handler { one, other in
                begun.withLockedValue { $0 += 1 }
                await (one == 0 ? first : rest).wait()
                return one + other
            }
        }
        try await bench.run(worker) {
            var results = try await bench.client.send((0..<2).map { add($0, 1) })
            await until { begun.withLockedValue { $0 } == 2 }
            results += try await bench.client.send((2..<5).map { add($0, 1) })
            first.open()
            await until { begun.withLockedValue { $0 } == 3 }
            #expect(bench.memory.count(in: "q") == 2)
            rest.open()
            for (number, result) in results.enumerated() { #expect(try await result.get() == number + 1) }
        }
    }

    @Test("takes no more messages while as many as the limit wait for their time")
    func scheduleLimit() async throws {
        let bench = Bench()
        let worker = bench.worker(concurrency: 2, configure: { $0.maximumScheduledTasks = 2 }) {
            add.handler { $0 + $1 }
        }
        try await bench.run(worker) {
            for _ in 0..<2 { _ = try await bench.client.send(add(1, 1), countdown: .seconds(100)) }
            await until { bench.timers.count == 2 }
            let later = try await bench.client.send(add(2, 2))
            #expect(try await later.status() == .pending && bench.memory.count(in: "q") == 1)
            bench.timers.advance(by: .seconds(100))
            #expect(try await later.get() == 4)
        }
    }

    @Test("does not run a task after its expiry")
    func expiry() async throws {
        let bench = Bench()
        let worker = bench.worker { add.handler { $0 + $1 } }
        let expired = try await bench.client.send(add(1, 1), expires: bench.timers.now.addingTimeInterval(5))
        let whileHeld = try await bench.client.send(
            add(1, 1), countdown: .seconds(100), expires: bench.timers.now.addingTimeInterval(50))
        bench.timers.advance(by: .seconds(10))
        try await bench.run(worker) {
            await expectFailure("expired") { _ = try await expired.get() }
            await until { bench.timers.count == 1 }
            bench.timers.advance(by: .seconds(100))
            await expectFailure("expired") { _ = try await whileHeld.get() }
        }
    }

    @Test("cancels a handler at its soft limit, gives up on it at its hard limit, and drops what it returns late")
    func timeLimits() async throws {
        let bench = Bench()
        let gate = Gate()
        let cancelled = NIOLockedValueBox(0)
        let worker = bench.worker(concurrency: 1) {
            work.handler(options: TaskOptions(timeLimits: TimeLimits(soft: .seconds(5)))) {
                let own = Gate()
                try await withTaskCancellationHandler {
                    await own.wait()
                    try Task.checkCancellation()
                } onCancel: {
                    cancelled.withLockedValue { $0 += 1 }
                    own.open()
                }
            }
            note.handler(options: TaskOptions(timeLimits: TimeLimits(hard: .seconds(7)))) { _ in await gate.wait() }
            add.handler { $0 + $1 }
        }
        try await bench.run(worker) {
            let soft = try await bench.client.send(work())
            await until { bench.timers.count == 1 }
            bench.timers.advance(by: .seconds(5))
            await expectFailure("SoftTimeLimitExceeded") { try await soft.get() }
            let hard = try await bench.client.send(note(""))
            await until { bench.timers.count == 1 }
            bench.timers.advance(by: .seconds(7))
            await expectFailure("TimeLimitExceeded", [7.0]) { try await hard.get() }
            gate.open()
            #expect(try await bench.client.send(add(1, 2)).get() == 3)
            #expect(try await hard.status() == .failure)
        }
        #expect(cancelled.withLockedValue { $0 } == 1)
    }

    @Test("stores a failure for a task that it does not know, and parks its message and those it cannot read")
    func parking() async throws {
        let bench = Bench()
        let worker = bench.worker { add.handler { $0 + $1 } }
        try await bench.broker.publish([OutgoingMessage(message: WireMessage(body: [0xff]), routingKey: "q")])
        try await bench.run(worker) {
            await expectFailure("NotRegistered") { _ = try await bench.client.send(work()).get() }
            let sum = try await bench.client.send(add(1, 2)).get()
            #expect(sum == 3)
        }
        #expect(bench.memory.parked(from: "q").map { $0.fault.reason } == ["undecodableBody", "unregistered"])
    }

    @Test("at a graceful stop ends what runs and gives back the rest in its order")
    func gracefulStop() async throws {
        let bench = Bench()
        let started = NIOLockedValueBox(0)
        let finish = Gate()
        let worker = bench.worker(concurrency: 2, prefetchMultiplier: 3) {
            add.handler { x, y in
                started.withLockedValue { $0 += 1 }
                await finish.wait()
                return x
            }
        }
        let results = try await bench.client.send((0..<8).map { add($0, 0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            await until { started.withLockedValue { $0 } == 2 }
            worker.stop()
            // Others can have the rest while these two are still running.
            await until { bench.memory.count(in: "q") == 6 }
            finish.open()
            try await group.waitForAll()
        }
        #expect(started.withLockedValue { $0 } == 2)
        #expect(try await Array(results.prefix(2)).get() == [0, 1])
        #expect(bench.memory.count(in: "q") == 6)
        let order = NIOLockedValueBox<[Int]>([])
        let next = bench.worker(concurrency: 1) {
            add.handler { x, _ in
                order.withLockedValue { $0.append(x) }
                return x
            }
        }
        let values = try await bench.run(next) { try await results.get() }
        #expect(values == Array(0..<8))
        #expect(order.withLockedValue { $0 } == [2, 3, 4, 5, 6, 7])
    }

    @Test("acknowledges early where it is told to: a cancelled task does not run again, and its caller learns of that")
    func earlyAcknowledgement() async throws {
        let bench = Bench()
        let started = Gate()
        let worker = bench.worker(acknowledgement: .early) {
            work.handler {
                started.open()
                let own = Gate()
                await withTaskCancellationHandler {
                    await own.wait()
                } onCancel: {
                    own.open()
                }
                try Task.checkCancellation()
            }
        }
        let result = try await bench.client.send(work())
        let run = Task { try await worker.run() }
        await started.wait()
        run.cancel()
        _ = await run.result
        #expect(bench.memory.count(in: "q") == 0)
        await expectFailure("WorkerLost", ["interrupted"]) { try await result.get() }
    }

    @Test("settles what is to be acknowledged early and never begins")
    func earlyAcknowledgementOfWhatExpired() async throws {
        let bench = Bench()
        let worker = bench.worker(acknowledgement: .early) { add.handler { $0 + $1 } }
        let expired = try await bench.client.send(add(1, 1), expires: bench.timers.now.addingTimeInterval(5))
        bench.timers.advance(by: .seconds(10))
        try await bench.run(worker) {
            await expectFailure("expired") { _ = try await expired.get() }
        }
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("has room for another message once one is acknowledged early")
    func earlyAcknowledgementMakesRoom() async throws {
        let bench = Bench()
        let ends = Gate()
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1, acknowledgement: .early) {
            work.handler { await ends.wait() }
        }
        try await bench.run(worker) {
            let first = try await bench.client.send(work())
            let second = try await bench.client.send(work())
            await until { bench.memory.count(in: "q") == 0 }
            ends.open()
            try await first.get()
            try await second.get()
        }
    }

    @Test("gives a late message back when it is cancelled while the handler runs")
    func lateAcknowledgement() async throws {
        let bench = Bench()
        let started = Gate()
        let worker = bench.worker {
            work.handler {
                started.open()
                let own = Gate()
                await withTaskCancellationHandler {
                    await own.wait()
                } onCancel: {
                    own.open()
                }
                try Task.checkCancellation()
            }
        }
        _ = try await bench.client.send(work())
        let run = Task { try await worker.run() }
        await started.wait()
        run.cancel()
        _ = await run.result
        #expect(bench.memory.count(in: "q") == 1)
    }

    @Test("runs at most as many handlers as its concurrency, and holds no more messages than its window")
    func concurrency() async throws {
        let bench = Bench()
        let running = NIOLockedValueBox(0)
        let most = NIOLockedValueBox(0)
        let worker = bench.worker(concurrency: 3, prefetchMultiplier: 1) {
            add.handler { x, _ in
                let now = running.withLockedValue { running in
                    running += 1
                    return running
                }
                most.withLockedValue { $0 = max($0, now) }
                for _ in 0..<20 { await Task.yield() }
                running.withLockedValue { $0 -= 1 }
                return x
            }
        }
        let results = try await bench.client.send((0..<60).map { add($0, 0) })
        let values = try await bench.run(worker) { try await results.get() }
        #expect(values == Array(0..<60))
        #expect(most.withLockedValue { $0 } <= 3)
    }

    @Test("calls its hooks, shares values, stores states of the handler's own")
    func hooksAndContext() async throws {
        struct Pool: Sendable { let name: String }
        let bench = Bench()
        let calls = NIOLockedValueBox<[String]>([])
        let worker = bench.worker(
            hooks: WorkerHooks(
                preTask: { context in calls.withLockedValue { $0.append("pre \(context.request.name)") } },
                postTask: { context, _ in calls.withLockedValue { $0.append("post \(context.request.name)") } },
                error: { context, _ in calls.withLockedValue { $0.append("error \(context.request.name)") } }),
            configure: { $0.share(Pool(name: "db")) }
        ) {
            TaskDefinition<String>("pool").handler { context in
                try await context.update(state: TaskState(rawValue: "PROGRESS"), value: 50)
                return try context.shared(Pool.self).name
            }
            work.handler { throw TaskFailure("E", "") }
        }
        try await bench.run(worker) {
            let name = try await bench.client.send(TaskDefinition<String>("pool")()).get()
            #expect(name == "db")
            await expectFailure("E") { try await bench.client.send(work()).get() }
            await until { calls.withLockedValue { $0.count } == 5 }
        }
        #expect(
            calls.withLockedValue { $0 } == ["pre pool", "post pool", "pre work", "error work", "post work"])
    }

    @Test("refuses settings that cannot work")
    func validation() async throws {
        let bench = Bench()
        await #expect(throws: CeleriacError.self) { try await bench.worker(concurrency: 0) {}.run() }
    }
}

/// Expects that `body` throws a task's failure of a type, and with these arguments where they are given.
private func expectFailure<Value>(
    _ type: String, _ arguments: [WireValue]? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Value
) async {
    do {
        _ = try await body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch let error as RemoteTaskError {
        #expect(error.type == type, sourceLocation: sourceLocation)
        if let arguments { #expect(error.arguments == arguments, sourceLocation: sourceLocation) }
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
