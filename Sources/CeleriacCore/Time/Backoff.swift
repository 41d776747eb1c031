/// Growing pauses between attempts to reach something, with jitter, so that many clients do not come back at once.
package struct Backoff: Sendable {
    private let first: Duration
    /// The longest pause. A connection that lasted longer than this may begin anew with short pauses once it is lost.
    package let maximum: Duration
    private var ceiling: Duration

    package init(first: Duration = .milliseconds(100), maximum: Duration = .seconds(30)) {
        self.first = first
        self.maximum = maximum
        self.ceiling = min(first, maximum)
    }

    /// The next pause. Its ceiling begins with the first pause and doubles with every attempt, up to the maximum; the pause
    /// is a random part of it, at least half.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// The next pause, with jitter from the caller's generator.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { ceiling = min(max(ceiling, .nanoseconds(1)) * 2, maximum) }
        return ceiling * Double.random(in: 0.5...1, using: &generator)
    }

    /// Begins anew after a success.
    package mutating func reset() { ceiling = min(first, maximum) }
}
