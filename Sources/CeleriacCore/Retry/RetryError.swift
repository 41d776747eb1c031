/// What ``TaskContext/retry(after:cause:)`` throws: let it pass through your handler.
public struct RetryError: Error, Sendable {
    /// How long to wait; nil for the task's policy.
    public var delay: Duration?
    /// How often the task may be retried; nil for the task's policy.
    public var maximumRetries: Int?
    /// What made the task fail this time.
    public var cause: (any Error)?
}
