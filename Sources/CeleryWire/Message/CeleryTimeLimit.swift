/// The time limits of one call, in seconds. `nil` leaves a limit to the task's own setting.
public struct CeleryTimeLimit: Sendable, Hashable {
    /// After this many seconds the task is ended.
    public var hard: Double?
    /// After this many seconds the task is told to finish.
    public var soft: Double?

    /// Makes limits.
    public init(hard: Double? = nil, soft: Double? = nil) {
        self.hard = hard
        self.soft = soft
    }
}
