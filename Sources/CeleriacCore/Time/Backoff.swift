/// Growing pauses between attempts to reach a server, with jitter, so that many clients do not come back at once.
package struct Backoff: Sendable {
    private let first: Duration
    /// The longest pause. The owner of a connection that lasted longer may start again with short pauses when it is
    /// lost.
    package let maximum: Duration
    private var ceiling: Duration

    package init(first: Duration = .milliseconds(100), maximum: Duration = .seconds(30)) {
        self.first = first
        self.maximum = maximum
        self.ceiling = min(first, maximum)
    }

    /// Returns the next pause: a random part, at least half, of a ceiling that starts with the first pause and doubles
    /// with every attempt up to the maximum.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Returns the next pause, with jitter from the caller's generator.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { ceiling = min(max(ceiling, .nanoseconds(1)) * 2, maximum) }
        return ceiling * Double.random(in: 0.5...1, using: &generator)
    }

    /// Starts again with short pauses, after a success.
    package mutating func reset() { ceiling = min(first, maximum) }
}
