/// Throw it from a handler to refuse the message itself, so that no result is stored: Celery's `Reject`.
public struct Rejection: Error, Sendable {
    /// Whether the message goes back to its queue; otherwise it is dropped, or dead-lettered where the queue says so.
    public var requeue: Bool

    /// Makes a rejection.
    public init(requeue: Bool) { self.requeue = requeue }
}
