import CeleriacCore
import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@testable import CeleryDialect

/// Celery's names for what goes wrong in a worker.
@Suite struct CeleryFaultTests {
    private struct Broken: Error {}

    private let formats = CeleryFormats()

    @Test(
        "names faults as Celery does",
        arguments: [
            (TaskFault.softTimeLimit, "billiard.exceptions.SoftTimeLimitExceeded", nil),
            (
                .retriesExhausted(task: "t", id: "1", retries: 3), "celery.exceptions.MaxRetriesExceededError",
                "Can't retry t[1]: retried 3 times"
            ),
            (.retryWithoutCause(delay: .seconds(180)), "celery.exceptions.Retry", "Retry in 180.0s"),
            (.notRegistered(name: "t"), "celery.exceptions.NotRegistered", "t"),
            (.badCall("t() takes 1"), "TypeError", "t() takes 1"),
            (.notEncodable(CeleriacError(.unsupported, "no")), "kombu.exceptions.EncodeError", "unsupported: no"),
            (
                .followUpRefused(CeleriacError(.publishFailed, "no")), "kombu.exceptions.OperationalError",
                "what follows from the task could not be carried out: publishFailed: no"
            ),
            (
                .attemptsExhausted(5), "billiard.exceptions.WorkerLostError",
                "Worker exited prematurely: the task was begun 5 times, and its message is parked."
            ),
            (
                .interrupted, "billiard.exceptions.WorkerLostError",
                "Worker exited prematurely: the task was acknowledged when it began, and does not run again."
            ),
            (
                .unrunnable(MessageFault(reason: "pickleRefused", detail: "no")), "kombu.exceptions.ContentDisallowed",
                "The message cannot be run and is parked: pickleRefused: no"
            ),
            (
                .unrunnable(MessageFault(reason: "invalidTask", detail: "no")), "celery.exceptions.InvalidTaskError",
                "The message cannot be run and is parked: invalidTask: no"
            ),
            (
                .unrunnable(MessageFault(reason: "undecodableBody", detail: "no")), "kombu.exceptions.DecodeError",
                "The message cannot be run and is parked: undecodableBody: no"
            ),
        ] as [(TaskFault, String, String?)])
    func names(_ fault: TaskFault, _ type: String, _ text: String?) {
        let failure = formats.failure(for: fault)
        // Python has a traceback for the limit alone; the others are raised nowhere.
        let isLimit = if case .softTimeLimit = fault { true } else { false }
        #expect(failure.description == type && (failure.traceback != nil) == isLimit)
        #expect(failure.arguments == (text.map { [.string($0)] } ?? []))
    }

    @Test("shows where a handler threw, and leaves out the module of Python's built-in exceptions")
    func thrown() throws {
        func traceback(_ error: any Error) -> String? {
            formats.failure(for: .thrown(error, task: "t", id: "1")).traceback
        }
        #expect(traceback(TaskFailure("ValueError", "no")) == "Swift task t[1] failed:\nValueError: no")
        #expect(
            traceback(TaskFailure("Ignore", module: "celery.exceptions", "no"))
                == "Swift task t[1] failed:\ncelery.exceptions.Ignore: no")
        #expect(traceback(Broken()) == "Swift task t[1] failed:\nswift.CeleryDialectTests.Broken: Broken()")
        let remote = RemoteTaskError(taskID: "0", type: "KeyError", module: "builtins", arguments: ["k"])
        #expect(traceback(remote) == "Swift task t[1] failed:\nKeyError: k")
        var known = TaskFailure("ValueError", "no")
        known.traceback = "line 1"
        #expect(traceback(known) == "line 1")
        // On the wire, Python's built-in exceptions have their module.
        let failure = formats.failure(for: .thrown(remote, task: "t", id: "1"))
        #expect(CeleryRemoteException(failure).encode()["exc_module"] == "builtins")
    }

    @Test("stores a revocation only for a task that no worker has begun")
    func revocation() throws {
        let now = Date(timeIntervalSince1970: 1_795_437_015)
        let context = EffectContext(
            nodeName: "w@h", now: now, storesResult: true, taskOptions: TaskOptions(), resultExpiry: .seconds(60),
            publication: PublicationContext(
                now: now, replyTo: "", defaultQueue: "celery", routes: [:], countsChords: true, resultExpiry: nil))
        func record(_ state: TaskState?) throws -> ResultRecord? {
            let stored = state.map { TaskResult(taskID: "1", state: $0, value: .null) }
            return try formats.record(ofRevokedTask: "1", stored: stored, in: context)
        }
        for state in [nil, .pending, .received, .retry, TaskState(rawValue: "REJECTED")] {
            let record = try #require(try record(state))
            #expect(record.taskID == "1" && record.state == .revoked && record.expiry == .seconds(60))
            #expect(
                String(decoding: record.payload, as: UTF8.self)
                    == #"{"status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["revoked"], "#
                    + #""exc_module": "celery.exceptions"}, "traceback": null, "children": [], "#
                    + #""date_done": "2026-11-23T12:30:15+00:00", "task_id": "1"}"#)
        }
        for state in [TaskState.started, .success, .failure, .revoked] { #expect(try record(state) == nil) }
    }
}
