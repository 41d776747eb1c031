/// The state of a task. Handlers may store states of their own.
public struct TaskState: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The state as the wire spells it.
    public var rawValue: String

    /// A state by its spelling.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Nothing is stored: not begun, or never sent.
    public static let pending = TaskState(rawValue: "PENDING")
    /// A worker has it. Celery tells this by events only; Machinery stores it.
    public static let received = TaskState(rawValue: "RECEIVED")
    /// A handler runs. Stored only where tracking is on.
    public static let started = TaskState(rawValue: "STARTED")
    /// Ended with a result.
    public static let success = TaskState(rawValue: "SUCCESS")
    /// Ended with an error.
    public static let failure = TaskState(rawValue: "FAILURE")
    /// Failed and sent again.
    public static let retry = TaskState(rawValue: "RETRY")
    /// Withdrawn or expired before it ran, or terminated.
    public static let revoked = TaskState(rawValue: "REVOKED")

    /// Whether no other state follows.
    public var isFinal: Bool { self == .success || self == .failure || self == .revoked }

    /// The state as the wire spells it.
    public var description: String { rawValue }
}
