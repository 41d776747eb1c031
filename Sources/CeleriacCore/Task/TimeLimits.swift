/// How long one run of a task may take.
public struct TimeLimits: Sendable, Hashable {
    /// After this time the handler's task is cancelled, so that it can clean up and end.
    public var soft: Duration?
    /// After this time the task counts as failed, whatever its handler does.
    public var hard: Duration?

    /// Makes limits; none unless given.
    public init(soft: Duration? = nil, hard: Duration? = nil) {
        self.soft = soft
        self.hard = hard
    }
}
