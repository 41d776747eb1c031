/// A task's state as results carry it. Tasks may use states of their own.
///
/// The runtime's `TaskState` has the names that both dialects share; this type has all of Celery's, and says what they
/// mean.
public struct CeleryTaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name on the wire.
    public var rawValue: String

    /// Creates a state with its name on the wire.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The name on the wire.
    public var description: String { rawValue }

    /// Nothing is known about the task. Never stored.
    public static let pending = CeleryTaskState(rawValue: "PENDING")
    /// A worker has received the task. It appears only in events.
    public static let received = CeleryTaskState(rawValue: "RECEIVED")
    /// A worker runs the task. Stored if the task has `track_started`.
    public static let started = CeleryTaskState(rawValue: "STARTED")
    /// The task returned.
    public static let success = CeleryTaskState(rawValue: "SUCCESS")
    /// The task failed.
    public static let failure = CeleryTaskState(rawValue: "FAILURE")
    /// The task will run again.
    public static let retry = CeleryTaskState(rawValue: "RETRY")
    /// The task was revoked or had expired.
    public static let revoked = CeleryTaskState(rawValue: "REVOKED")
    /// A worker rejected the task. Never stored.
    public static let rejected = CeleryTaskState(rawValue: "REJECTED")
    /// The worker was asked not to report the task. Never stored.
    public static let ignored = CeleryTaskState(rawValue: "IGNORED")

    /// Whether the state is final, so that there is a result.
    public var isReady: Bool {
        self == .success || isFailure
    }

    /// Whether the state is final and the result an exception.
    public var isFailure: Bool {
        self == .failure || self == .revoked
    }

    /// Whether the result is an exception: that of the task or of one attempt.
    public var hasException: Bool {
        isFailure || self == .retry
    }
}
