/// A timer that has been started.
public protocol RunningTimer: Sendable {
    /// Stops the timer. If its action has begun already, nothing happens.
    func cancel()
}
