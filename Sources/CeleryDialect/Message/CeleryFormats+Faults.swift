package import CeleriacCore
import CeleriacWire
import CeleryWire

extension CeleryFormats {
    /// The exception that Celery raises for a fault.
    package func failure(for fault: TaskFault) -> TaskFailure {
        switch fault {
        case .thrown(let error, let task, let id):
            TaskFailure(error, task: task, id: id)
        case .softTimeLimit:
            TaskFailure(
                type: "SoftTimeLimitExceeded", module: "billiard.exceptions", arguments: [],
                traceback: "The Swift task passed its soft time limit and was cancelled.")
        case .retriesExhausted(let task, let id, let retries):
            TaskFailure(
                "MaxRetriesExceededError", module: "celery.exceptions",
                "Can't retry \(task)[\(id)]: retried \(retries) times")
        case .retryWithoutCause(let delay):
            TaskFailure("Retry", module: "celery.exceptions", "Retry in \(delay.seconds)s")
        case .notRegistered(let name):
            TaskFailure("NotRegistered", module: "celery.exceptions", name)
        case .badCall(let text):
            TaskFailure("TypeError", text)
        case .notEncodable(let error):
            TaskFailure("EncodeError", module: "kombu.exceptions", error.description)
        case .attemptsExhausted(let attempts):
            TaskFailure(
                "WorkerLostError", module: "billiard.exceptions",
                "Worker exited prematurely: the task was begun \(attempts) times, and its message is parked.")
        case .interrupted:
            // Celery's name for a task that was acknowledged early and whose process has gone.
            TaskFailure(
                "WorkerLostError", module: "billiard.exceptions",
                "Worker exited prematurely: the task was acknowledged when it began, and does not run again.")
        case .unrunnable(let fault):
            Self.failure(ofUnrunnable: fault)
        case .followUpRefused(let error):
            TaskFailure(
                "OperationalError", module: "kombu.exceptions",
                "what follows from the task could not be carried out: \(error)")
        }
    }

    /// The exception with which Python refuses such a message.
    private static func failure(ofUnrunnable fault: MessageFault) -> TaskFailure {
        let text = "The message cannot be run and is parked: \(fault)"
        return switch CeleryWireError.Code(rawValue: fault.reason) {
        case .disallowedContentType, .pickleRefused, .unknownCompression:
            TaskFailure("ContentDisallowed", module: "kombu.exceptions", text)
        case .invalidTask, .notATask: TaskFailure("InvalidTaskError", module: "celery.exceptions", text)
        default: TaskFailure("DecodeError", module: "kombu.exceptions", text)
        }
    }

    /// Three retries, 180 seconds apart.
    package var retryPolicy: RetryPolicy { RetryPolicy() }

    /// The state `REVOKED`, unless a worker has begun the task.
    package func record(
        ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext
    ) throws(CeleriacError) -> ResultRecord? {
        let open: [TaskState] = [.pending, .received, .retry, TaskState(rawValue: "REJECTED")]
        guard open.contains(stored?.state ?? .pending) else { return nil }
        let failure = TaskFailure("TaskRevokedError", module: "celery.exceptions", "revoked")
        var meta = CeleryResultMeta(
            status: TaskState.revoked.rawValue, result: CeleryRemoteException(failure).encode(), taskID: id)
        meta.children = .array([])
        meta.dateDone = CeleryTime.text(context.now)
        do {
            return try record(meta, .revoked, expiry: context.resultExpiry)
        } catch {
            throw CeleriacError(.unsupported, "the revocation of a task cannot be encoded", cause: error)
        }
    }
}

extension TaskFailure {
    /// The exception of a task that passed its hard time limit, with what Python's `str` shows of its traceback's end.
    static func timedOut(after limit: Double, _ request: TaskRequest) -> TaskFailure {
        TaskFailure(
            type: "TimeLimitExceeded", module: "billiard.exceptions",
            arguments: [Int64(exactly: limit).map { .int($0) } ?? .double(limit)],
            traceback: "Swift task \(request.name)[\(request.id)] passed its hard time limit of \(limit) seconds.")
    }

    /// Makes the exception that stands for an error thrown by a task's handler.
    init(_ error: any Error, task: String, id: String) {
        self.init(error)
        // Like Python, leave out the module of built-in exceptions.
        if module == "builtins" { module = nil }
        traceback = traceback ?? "Swift task \(task)[\(id)] failed:\n\(text)"
    }
}
