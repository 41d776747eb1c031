public import CeleriacWire

/// What a result store holds of a task.
public struct TaskResult: Sendable, Hashable {
    /// The task's id.
    public var taskID: String
    /// Its state.
    public var state: TaskState
    /// The value of a success, or what the handler stored with a state of its own; otherwise null.
    public var value: WireValue
    /// The error, for a failure, a retry and a revocation.
    public var error: RemoteTaskError?
    /// What the task sent: tasks and groups.
    package var children: [ResultReference]

    /// Whether the task has ended without success.
    var hasFailed: Bool { state.isFinal && state != .success }

    /// Makes a result.
    package init(
        taskID: String, state: TaskState, value: WireValue = .null, error: RemoteTaskError? = nil,
        children: [ResultReference] = []
    ) {
        self.taskID = taskID
        self.state = state
        self.value = value
        self.error = error
        self.children = children
    }
}

/// The state of a task. Handlers may store states of their own.
///
/// The type belongs to Core and is the same for every dialect. Celery's wire product, which does not import Core, has a
/// type of its own.
public struct TaskState: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The state as the wire spells it.
    public var rawValue: String

    /// A state by its spelling.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Nothing is stored: the task has not begun, or was never sent.
    public static let pending = TaskState(rawValue: "PENDING")
    /// A worker has the task. Celery reports this by events only; Machinery stores it.
    public static let received = TaskState(rawValue: "RECEIVED")
    /// The task's handler runs. Workers store this only if tracking is on.
    public static let started = TaskState(rawValue: "STARTED")
    /// The task has ended with a result.
    public static let success = TaskState(rawValue: "SUCCESS")
    /// The task has ended with an error.
    public static let failure = TaskState(rawValue: "FAILURE")
    /// The task has failed and was sent again.
    public static let retry = TaskState(rawValue: "RETRY")
    /// The task was withdrawn or expired before it ran, or was terminated.
    public static let revoked = TaskState(rawValue: "REVOKED")

    /// Whether no other state follows.
    public var isFinal: Bool { self == .success || self == .failure || self == .revoked }

    /// The state as the wire spells it.
    public var description: String { rawValue }
}

/// The error with which a task ended, as its worker stored it.
///
/// Types are never resolved by their name on the wire: compare ``type`` with what you expect.
public struct RemoteTaskError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The task's id.
    public var taskID: String
    /// The state under which the error is stored: failure, revoked or retry.
    public var state: TaskState
    /// What went wrong, as the worker stored it. Throw it from a handler to pass the error on.
    public var failure: TaskFailure

    /// Makes an error.
    public init(
        taskID: String, state: TaskState = .failure, type: String, module: String?, arguments: [WireValue],
        traceback: String? = nil
    ) {
        self.taskID = taskID
        self.state = state
        self.failure = TaskFailure(type: type, module: module, arguments: arguments, traceback: traceback)
    }

    /// The exception's class name, for instance `ValueError`.
    public var type: String { failure.type }
    /// The module of the class, where it is known.
    public var module: String? { failure.module }
    /// The exception's arguments.
    public var arguments: [WireValue] { failure.arguments }
    /// Where it happened, as the worker wrote it.
    public var traceback: String? { failure.traceback }

    /// The text in the exception's first argument, if it is text.
    public var message: String? { arguments.first?.stringValue }

    /// Which task ended with which type of error. Arguments are user data: see ``debugDescription``.
    public var description: String { "task \(taskID) ended as \(state): \(type)" }

    /// The type, its arguments and the traceback.
    public var debugDescription: String {
        var text = "\(description)\(arguments)"
        if let traceback { text += "\n\(traceback)" }
        return text
    }
}
