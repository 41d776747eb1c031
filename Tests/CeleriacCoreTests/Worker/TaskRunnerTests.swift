import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

@Suite("Task runner", .timeLimit(.minutes(5))) struct TaskRunnerTests {
    private struct Broken: Error {}

    /// Parts with one task `work`.
    private func parts(
        options: TaskOptions = TaskOptions(), configuration: WorkerConfiguration? = nil,
        observers: [any WorkerObserver] = [], _ handler: @escaping @Sendable (TaskContext) async throws -> WireValue
    ) -> Parts {
        Parts(configuration: configuration, observers: observers) {
            TaskHandler("work", options: options, handler: handler)
        }
    }

    /// What is submitted for a job whose handler is `handler`.
    private func submitted(
        options: TaskOptions = TaskOptions(), change: (inout TaskRequest) -> Void = { _ in },
        _ handler: @escaping @Sendable (TaskContext) async throws -> WireValue
    ) async throws -> [String] {
        let parts = parts(options: options, handler)
        await parts.runner.perform(try parts.job(change: change), in: Slot())
        return parts.submitted
    }

    @Test("turns what a handler returns or throws into an outcome")
    func outcomes() async throws {
        #expect(try await submitted { _ in 1 } == ["1: store SUCCESS, acknowledge"])
        #expect(try await submitted { _ in throw Broken() } == ["1: store FAILURE, acknowledge"])
        #expect(try await submitted { _ in throw IgnoreResult() } == ["1: acknowledge"])
        #expect(try await submitted { _ in throw Rejection(requeue: true) } == ["1: requeue"])
        #expect(try await submitted { _ in throw Rejection(requeue: false) } == ["1: reject"])
        #expect(try await submitted { try $0.retry() } == ["1: publish 1, store RETRY, acknowledge"])
    }

    @Test("retries by itself after the errors that the options name")
    func retriedErrors() async throws {
        let options = TaskOptions(retriedErrors: RetriedErrors(Broken.self))
        #expect(
            try await submitted(options: options) { _ in throw Broken() } == ["1: publish 1, store RETRY, acknowledge"])
        #expect(
            try await submitted(options: options) { _ in throw TaskFailure("ValueError", "no") }
                == ["1: store FAILURE, acknowledge"])
    }

    @Test("fails once there were as many retries as there may be, by the task's policy or else the dialect's")
    func retriesExhausted() async throws {
        let retried = ["1: publish 1, store RETRY, acknowledge"]
        let failed = ["1: store FAILURE, acknowledge"]
        #expect(try await submitted(change: { $0.retries = 2 }) { try $0.retry() } == retried)
        #expect(try await submitted(change: { $0.retries = 3 }) { try $0.retry() } == failed)
        let once = TaskOptions(retry: RetryPolicy(maximumRetries: 1, delay: .fixed(.zero)))
        #expect(try await submitted(options: once, change: { $0.retries = 1 }) { try $0.retry() } == failed)
        #expect(
            try await submitted(options: once, change: { $0.retries = 1 }) { try $0.retry(maximumRetries: 2) }
                == retried)
        let ever = TaskOptions(retry: RetryPolicy(maximumRetries: nil, delay: .fixed(.zero)))
        #expect(try await submitted(options: ever, change: { $0.retries = 1000 }) { try $0.retry() } == retried)
    }

    @Test("does not begin what expired or was revoked while it waited for a slot")
    func ended() async throws {
        let runs = NIOLockedValueBox(0)
        let parts = parts { _ in
            runs.withLockedValue { $0 += 1 }
            return .null
        }
        let expired = try parts.job("expired") { $0.expires = parts.timers.now.addingTimeInterval(-1) }
        let revoked = try parts.job("revoked")
        parts.revokedTasks.insert(["revoked"], now: parts.timers.now)
        for job in [expired, revoked] { await parts.runner.perform(job, in: Slot()) }
        #expect(
            parts.submitted == ["expired: store REVOKED, acknowledge", "revoked: store REVOKED, acknowledge"])
        #expect(runs.withLockedValue { $0 } == 0 && expired.startTime == nil)
    }

    @Test("does not run a job whose message was given back with a lost connection")
    func lost() async throws {
        let parts = parts { _ in .null }
        let job = try parts.job()
        parts.consumer.lose()
        await parts.runner.perform(job, in: Slot())
        #expect(parts.submitted.isEmpty && job.startTime == nil)
    }

    @Test("notes that a redelivered message begins, before its handler does, and only of those")
    func marks() async throws {
        let seen = NIOLockedValueBox<[Int]>([])
        let consumer = NIOLockedValueBox<FakeConsumer?>(nil)
        let parts = parts { _ in
            let count = consumer.withLockedValue { $0?.begun.count ?? 0 }
            seen.withLockedValue { $0.append(count) }
            return .null
        }
        consumer.withLockedValue { $0 = parts.consumer }
        let (first, again) = (try parts.job("first"), try parts.job("again", redelivered: true))
        for job in [first, again] { await parts.runner.perform(job, in: Slot()) }
        #expect(parts.consumer.begun == [again.receipt] && seen.withLockedValue { $0 } == [0, 1])
        parts.consumer.refuseMarks(with: CeleriacError(.unavailable, "away"))
        await parts.runner.perform(try parts.job("once more", redelivered: true), in: Slot())
        #expect(seen.withLockedValue { $0 } == [0, 1, 1])
    }

    @Test("says whether a message was lost with its connection or left to be counted")
    func reasons() async throws {
        let log = LogRecorder()
        let parts = Parts(logger: log.logger) { TaskHandler("work") { _ in .null } }
        parts.consumer.moveMarked()
        let moved = try parts.job(redelivered: true)
        await parts.runner.perform(moved, in: Slot())
        #expect(log.count("\(WaitingRoom.leftToBeCounted)") == 1 && log.count("\(WaitingRoom.lost)") == 0)
        let lost = try parts.job(redelivered: true)
        parts.consumer.lose()
        await parts.runner.perform(lost, in: Slot())
        #expect(log.count("\(WaitingRoom.leftToBeCounted)") == 1 && log.count("\(WaitingRoom.lost)") == 1)
        #expect(parts.submitted.isEmpty && moved.startTime == nil && lost.startTime == nil)
    }

    @Test("does not begin a job that was terminated while its beginning was noted")
    func terminatedMeanwhile() async throws {
        let parts = parts { _ in .null }
        let job = try parts.job(redelivered: true)
        parts.ledger.finish(job, .revoked(.terminated(signal: 15)))
        await parts.runner.perform(job, in: Slot())
        #expect(job.startTime == nil && parts.submitted == ["1: store REVOKED, acknowledge"])
    }

    @Test("a job that was terminated and settled before it begins gives up its place once")
    func settledMeanwhile() async throws {
        let log = LogRecorder()
        let parts = Parts(logger: log.logger) { TaskHandler("work") { _ in .null } }
        // As at a broker that takes the settlement while the job waits for its beginning to be counted.
        parts.consumer.moveMarked()
        let job = try parts.job(redelivered: true)
        parts.ledger.finish(job, .revoked(.terminated(signal: 15)))
        await parts.runner.perform(job, in: Slot())
        // The plan gives up the place when it is done.
        #expect(parts.submittedPlans.map(\.endsJob) == [true] && job.startTime == nil)
        #expect(log.count("\(WaitingRoom.leftToBeCounted)") == 0)
    }

    @Test("acknowledges early before the handler begins, and settles nothing afterwards")
    func acknowledgesEarly() async throws {
        let parts = parts { _ in .null }
        await parts.runner.perform(try parts.job(acknowledgesEarly: true), in: Slot())
        #expect(parts.submitted == ["1: acknowledge", "1: store SUCCESS"])
        #expect(parts.submittedPlans.map(\.endsJob) == [true, false])
    }

    @Test("retries what a handler gives back that was acknowledged early, by its policy, and fails it in the end")
    func givesBackWhatIsAcknowledged() async throws {
        let policy = RetryPolicy(maximumRetries: 2, delay: .fixed(.seconds(30)))
        let parts = parts(options: TaskOptions(retry: policy)) { _ in throw Rejection(requeue: true) }
        for retries in [1, 2] {
            let job = try parts.job(acknowledgesEarly: true) { $0.retries = retries }
            await parts.runner.perform(job, in: Slot())
        }
        #expect(
            parts.submitted == ["1: acknowledge", "1: publish 1, store RETRY", "1: acknowledge", "1: store FAILURE"])
        // Sent at once it would run in a circle.
        let again = try #require(parts.submittedPlans.dropFirst().first?.messages.first)
        let eta = try WireJSON.decode(again.message.body)["eta"]?.doubleValue
        #expect(eta == parts.timers.now.addingTimeInterval(30).timeIntervalSince1970)
    }

    @Test("stores that a task started where its options ask for it, unless its results are ignored")
    func tracksStarted() async throws {
        let options = TaskOptions(tracksStarted: true)
        #expect(
            try await submitted(options: options) { _ in .null } == [
                "1: store STARTED", "1: store SUCCESS, acknowledge",
            ])
        #expect(
            try await submitted(options: options, change: { $0.ignoresResult = true }) { _ in .null }
                == ["1: acknowledge"])
    }

    @Test("fails a task that its dialect refuses, without calling its handler")
    func refusal() async throws {
        let failed = try await submitted(change: { $0.refusal = TaskFailure("error", "bad") }) { _ in
            Issue.record("the handler is called")
            return .null
        }
        #expect(failed == ["1: store FAILURE, acknowledge"])
    }

    @Test("calls the hooks and tells observers in their order")
    func hooks() async throws {
        let calls = NIOLockedValueBox<[String]>([])
        @Sendable func note(_ text: String) { calls.withLockedValue { $0.append(text) } }
        let probe = ControlProbe()
        let configuration = WorkerConfiguration(
            queues: ["q"],
            hooks: WorkerHooks(
                preTask: { _ in note("pre") }, postTask: { _, _ in note("post") },
                error: { _, error in note("error \(error)") }))
        let parts = parts(configuration: configuration, observers: [probe]) { _ in
            note("run")
            throw TaskFailure("ValueError", "no")
        }
        await parts.runner.perform(try parts.job(), in: Slot())
        #expect(calls.withLockedValue { $0 } == ["pre", "run", "error ValueError", "post"])
        // Observers learn of the end when everything is stored and settled.
        #expect(probe.told == ["started work"])
        for plan in parts.submittedPlans { plan.onEnd?() }
        #expect(probe.told == ["started work", "ended work failure"])
    }

    @Test("calls the error hook for a rejection if it fails the task", arguments: [true, false])
    func errorHookOfRejections(requeue: Bool) async throws {
        let calls = NIOLockedValueBox(0)
        let configuration = WorkerConfiguration(
            queues: ["q"], hooks: WorkerHooks(error: { _, _ in calls.withLockedValue { $0 += 1 } }))
        let parts = parts(configuration: configuration) { _ in throw Rejection(requeue: requeue) }
        await parts.runner.perform(try parts.job(), in: Slot())
        #expect(calls.withLockedValue { $0 } == (requeue ? 0 : 1))
    }

    @Test("at its hard limit a task has failed, and what its handler returns then is dropped")
    func hardLimit() async throws {
        let (started, ends) = (Gate(), Gate())
        let parts = parts(options: TaskOptions(timeLimits: TimeLimits(hard: .seconds(5)))) { _ in
            started.open()
            await ends.wait()
            return .null
        }
        let job = try parts.job()
        async let run: Void = parts.runner.perform(job, in: Slot())
        await started.wait()
        parts.timers.advance(by: .seconds(5))
        #expect(parts.submitted == ["1: store FAILURE, acknowledge"])
        ends.open()
        await run
        #expect(parts.submitted == ["1: store FAILURE, acknowledge"] && parts.timers.count == 0)
    }

    @Test("runs an error callback, whatever that throws")
    func errorCallback() async throws {
        let seen = NIOLockedValueBox<[String]>([])
        let parts = Parts {
            TaskHandler(errorCallback: "report") { context, call in
                seen.withLockedValue { $0.append("\(context.id) \(call.failure)") }
                throw Broken()
            }
        }
        let request = try parts.job(task: "report").request
        let plan = Plan(receipt: nil, taskID: "1", endsJob: false, request: request, effects: [])
        for name in ["report", "nobody"] {
            let call = ErrorCall(
                name: name, failedID: "failed", arguments: [], keywordArguments: [:], failure: TaskFailure("E", "no"))
            await parts.runner.call(call, for: plan)
        }
        #expect(seen.withLockedValue { $0 } == ["failed E"])
        // A message cannot call it.
        await parts.runner.perform(try parts.job(task: "report"), in: Slot())
        #expect(parts.submitted == ["1: store FAILURE, acknowledge"])
    }
}
