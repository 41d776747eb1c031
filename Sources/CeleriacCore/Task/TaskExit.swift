import CeleriacWire

// The errors by which a handler ends its task in another way than by failing. A worker recognises them by their type
// and never retries a task because of them.

/// Throw it from a handler to end the task without storing a result: Celery's `Ignore`.
public struct IgnoreResult: Error, Sendable {
    /// Makes the error.
    public init() {}
}

/// Throw it from a handler to refuse the message itself: Celery's `Reject`.
public struct Rejection: Error, Sendable {
    /// Whether the message goes back to its queue; a task that was acknowledged early is retried instead, as
    /// ``TaskOptions/retry`` says. Otherwise the task has failed, with all that follows from a failure, and the broker drops
    /// the message, or dead-letters it if the queue says so.
    public var requeue: Bool

    /// Makes a rejection.
    public init(requeue: Bool) { self.requeue = requeue }
}

/// What ``TaskContext/retry(after:maximumRetries:cause:)`` throws: let it pass through your handler.
package struct RetryError: Error, Sendable {
    /// How long to wait; nil for the delay of the task's policy.
    package var delay: Duration?
    /// How often the task may be retried in all; nil for the number of the task's policy.
    var maximumRetries: Int?
    /// What made this run fail.
    package var cause: (any Error)?
    /// Positional arguments for the next run; nil keeps those of this one.
    var arguments: [WireValue]?
    /// Keyword arguments for the next run; nil keeps those of this one.
    var keywordArguments: WireObject?

    init(delay: Duration?, maximumRetries: Int?, cause: (any Error)?) {
        self.delay = delay
        self.maximumRetries = maximumRetries
        self.cause = cause
    }
}

/// What ``TaskContext/replace(with:)`` throws: let it pass through your handler.
package struct ReplaceError: Error, Sendable {
    let submission: Submission

    /// The name of the first task that takes the place; nil if there is none.
    package var task: String? { submission.sentTasks(parent: nil).first?.name }
}
