public import CeleriacWire

/// The error with which a task ended, as its worker stored it.
///
/// Types are never resolved by their name on the wire: compare ``type`` with what you expect.
public struct RemoteTaskError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The task's id.
    public var taskID: String
    /// The state under which the error is stored: failure, revoked or retry.
    public var state: TaskState
    /// The exception's class name, for instance `ValueError`.
    public var type: String
    /// The module of the class, where it is known.
    public var module: String?
    /// The exception's arguments.
    public var arguments: [WireValue]
    /// Where it happened, as the worker wrote it.
    public var traceback: String?

    /// Makes an error.
    public init(
        taskID: String, state: TaskState = .failure, type: String, module: String?, arguments: [WireValue],
        traceback: String? = nil
    ) {
        self.taskID = taskID
        self.state = state
        self.type = type
        self.module = module
        self.arguments = arguments
        self.traceback = traceback
    }

    /// The text in the exception's first argument, if it is text.
    public var message: String? {
        guard case .string(let text)? = arguments.first else { return nil }
        return text
    }

    /// Which task ended with which type of error. Arguments are user data: see ``debugDescription``.
    public var description: String { "task \(taskID) ended as \(state): \(type)" }

    /// The type, its arguments and the traceback.
    public var debugDescription: String {
        var text = "\(description)\(arguments)"
        if let traceback { text += "\n\(traceback)" }
        return text
    }
}
