#if Redis

/// The pauses between attempts to connect: each twice as long as the one before, less a random part of up to a half.
struct RedisBackoff {
    private let range: ClosedRange<Duration>
    private var pause: Duration

    init(_ range: ClosedRange<Duration>) {
        self.range = range
        pause = range.lowerBound
    }

    /// The next pause.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let current = pause
        pause = min(max(pause, .nanoseconds(1)) * 2, range.upperBound)
        return current * Double.random(in: 0.5...1, using: &generator)
    }

    /// Begins again with the shortest pause.
    mutating func reset() {
        pause = range.lowerBound
    }
}
#endif
