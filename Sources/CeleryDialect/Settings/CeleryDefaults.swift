public import CeleriacCore

extension RetryPolicy {
    /// Creates a policy with Celery's delay: 180 seconds before every retry.
    ///
    /// - Parameter maximumRetries: The largest number of retries, three by default as in Celery; nil for no limit.
    public init(maximumRetries: Int? = 3) {
        self.init(maximumRetries: maximumRetries, delay: .fixed(.seconds(180)))
    }

    /// Creates a policy with Celery's number of retries, three.
    public init(delay: Delay) {
        self.init(maximumRetries: 3, delay: delay)
    }
}

extension RateLimit {
    /// Reads a limit as Celery writes it: `10`, `10/s`, `100/m`, `100/h`; nil for any other text, and for a limit of
    /// zero.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let number = parts.first.flatMap({ Double($0) }) else { return nil }
        let seconds: Double
        switch parts.count == 2 ? parts[1] : "s" {
        case "s", "": seconds = 1
        case "m": seconds = 60
        case "h": seconds = 3600
        default: return nil
        }
        self.init(perSecond: number / seconds, description: text)
    }
}
