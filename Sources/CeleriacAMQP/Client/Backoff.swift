#if AMQP

/// Growing pauses between attempts, with jitter so that many clients do not come back at once.
struct Backoff {
    private let first: Double
    private let longest: Double
    private var attempts = 0

    /// Pauses of `first` seconds at first, doubled each time up to `longest` seconds.
    init(first: Double = 0.1, longest: Double = 5) {
        self.first = first
        self.longest = longest
    }

    /// The next pause.
    ///
    /// - Parameter jitter: A random number from 0 to 1; the pause is half fixed, half of it times this.
    mutating func next(jitter: Double) -> Duration {
        let full = attempts < 32 ? min(longest, first * Double(1 << attempts)) : longest
        attempts += 1
        return .seconds(full * (0.5 + 0.5 * jitter))
    }

    /// The next pause is the first again.
    mutating func reset() { attempts = 0 }

    /// How long a connection must have lived for its loss to be no failed attempt.
    var settledAfter: Duration { .seconds(longest) }
}

#endif
