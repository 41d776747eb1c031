/// Throw it from a handler to end the task without storing anything: Celery's `Ignore`.
public struct IgnoreResult: Error, Sendable {
    /// Makes the error.
    public init() {}
}
