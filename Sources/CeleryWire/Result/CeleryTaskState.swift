/// A task's state as results carry it. Tasks may make up further ones.
public struct CeleryTaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name, as it stands on the wire.
    public var rawValue: String

    /// Makes a state of a name.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The name, as it stands on the wire.
    public var description: String { rawValue }

    /// Nothing is known of the task. Never stored.
    public static let pending = CeleryTaskState(rawValue: "PENDING")
    /// A worker has it. Only in events.
    public static let received = CeleryTaskState(rawValue: "RECEIVED")
    /// A worker runs it. Stored where the task says so (`track_started`).
    public static let started = CeleryTaskState(rawValue: "STARTED")
    /// It returned.
    public static let success = CeleryTaskState(rawValue: "SUCCESS")
    /// It failed.
    public static let failure = CeleryTaskState(rawValue: "FAILURE")
    /// It will be run again.
    public static let retry = CeleryTaskState(rawValue: "RETRY")
    /// It was revoked, or had expired.
    public static let revoked = CeleryTaskState(rawValue: "REVOKED")
    /// A worker rejected it. Never stored.
    public static let rejected = CeleryTaskState(rawValue: "REJECTED")
    /// The worker was told to say nothing of it. Never stored.
    public static let ignored = CeleryTaskState(rawValue: "IGNORED")

    /// Whether the state is final: its result is there to be had.
    public var isReady: Bool {
        self == .success || isFailure
    }

    /// Whether the result is an exception that `get` raises.
    public var isFailure: Bool {
        self == .failure || self == .revoked
    }

    /// Whether the result is an exception, a final one or that of an attempt.
    public var hasException: Bool {
        isFailure || self == .retry
    }
}
