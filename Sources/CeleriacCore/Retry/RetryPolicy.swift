/// How often and when a task is tried again.
public struct RetryPolicy: Sendable, Hashable {
    /// How often it is retried at most; nil without end. Celery's default is 3.
    public var maximumRetries: Int?
    /// How long to wait before each retry.
    public var delay: Delay

    /// Makes a policy, by default Celery's: three retries, 180 seconds apart.
    public init(maximumRetries: Int? = 3, delay: Delay = .fixed(.seconds(180))) {
        self.maximumRetries = maximumRetries
        self.delay = delay
    }

    /// How long to wait before a retry.
    public enum Delay: Sendable, Hashable {
        /// Always the same time.
        case fixed(Duration)
        /// `base` · 2ⁿ before retry n (from 0), at most `maximum`; with jitter a random part of that.
        case exponential(base: Duration, maximum: Duration = .seconds(600), jitter: Bool = true)
    }

    /// The delay before the next retry.
    ///
    /// - Parameters:
    ///   - retries: how often the task was retried before.
    ///   - random: a number from 0 up to 1, from which jitter is made.
    public func delay(afterRetries retries: Int, random: Double) -> Duration {
        switch delay {
        case .fixed(let duration):
            return duration
        case .exponential(let base, let maximum, let jitter):
            // 2^40 seconds are 35,000 years: past that the maximum holds anyway, and the shift cannot overflow.
            let factor = Double(UInt64(1) << UInt64(min(max(retries, 0), 40)))
            let seconds = min(base.seconds * factor, maximum.seconds)
            return .seconds(jitter ? seconds * random : seconds)
        }
    }
}
