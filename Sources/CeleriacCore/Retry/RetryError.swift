public import CeleriacWire

/// What ``TaskContext/retry(after:cause:)`` throws: let it pass through your handler.
public struct RetryError: Error, Sendable {
    /// How long to wait; nil for the task's policy.
    public var delay: Duration?
    /// How often the task may be retried; nil for the task's policy.
    public var maximumRetries: Int?
    /// What made the task fail this time.
    public var cause: (any Error)?
    /// Positional arguments in place of those of this run; nil keeps them.
    public var arguments: [WireValue]?
    /// Keyword arguments in place of those of this run; nil keeps them.
    public var keywordArguments: WireObject?

    init(delay: Duration?, maximumRetries: Int?, cause: (any Error)?) {
        self.delay = delay
        self.maximumRetries = maximumRetries
        self.cause = cause
    }
}
