/// How often and when a task is retried.
public struct RetryPolicy: Sendable, Hashable {
    /// How often a task is retried at most; nil for no limit.
    public var maximumRetries: Int?
    /// How long to wait before each retry.
    public var delay: Delay

    /// Makes a policy.
    public init(maximumRetries: Int?, delay: Delay) {
        self.maximumRetries = maximumRetries
        self.delay = delay
    }

    /// How long to wait before a retry.
    public enum Delay: Sendable, Hashable {
        /// The same time before every retry.
        case fixed(Duration)
        /// `base` · 2ⁿ before retry n (counted from 0), at most `maximum`; with jitter, a random part of that.
        case exponential(base: Duration, maximum: Duration = .seconds(600), jitter: Bool = true)
    }

    /// Computes the delay before the next retry.
    ///
    /// - Parameters:
    ///   - retries: how often the task has been retried.
    ///   - random: a number from 0 up to 1, the part of the delay that remains with jitter.
    /// - Returns: how long to wait.
    public func delay(afterRetries retries: Int, random: Double) -> Duration {
        switch delay {
        case .fixed(let duration):
            return duration
        case .exponential(let base, let maximum, let jitter):
            // 2^40 seconds are 35,000 years: beyond that the maximum applies anyway, and the shift cannot overflow.
            let factor = Double(UInt64(1) << UInt64(min(max(retries, 0), 40)))
            let seconds = min(base.seconds * factor, maximum.seconds)
            return .seconds(jitter ? seconds * random : seconds)
        }
    }
}

/// The errors after which a worker retries a task by itself: Celery's `autoretry_for` and `dont_autoretry_for`.
///
/// ```swift
/// TaskOptions(
///     retry: RetryPolicy(maximumRetries: 5, delay: .exponential(base: .seconds(1))),
///     retriedErrors: RetriedErrors(HTTPError.self, failures: ["ConnectionError"]))
/// ```
///
/// An error matches by its exact type, since Swift's error types have no common ancestors; a ``TaskFailure`` matches by
/// the name of its exception. Errors that end a run in another way than by failing (``IgnoreResult``, ``Rejection``, a
/// retry, a replacement, a cancellation) never match.
public struct RetriedErrors: Sendable, Hashable {
    private var types: Set<ObjectIdentifier>
    private var failures: Set<String>
    private var isAll = false
    private var exceptTypes: Set<ObjectIdentifier> = []
    private var exceptFailures: Set<String> = []

    /// Matches errors of these types, and failures with these exceptions.
    public init(_ types: any Error.Type..., failures: Set<String> = []) {
        self.types = Set(types.map { ObjectIdentifier($0) })
        self.failures = failures
    }

    /// Matches every error: `autoretry_for=(Exception,)`.
    public static var all: RetriedErrors {
        var errors = RetriedErrors()
        errors.isAll = true
        return errors
    }

    /// These errors without those of some types and failures with some exceptions: `dont_autoretry_for`.
    public func except(_ types: any Error.Type..., failures: Set<String> = []) -> RetriedErrors {
        var errors = self
        errors.exceptTypes.formUnion(types.map { ObjectIdentifier($0) })
        errors.exceptFailures.formUnion(failures)
        return errors
    }

    /// Whether an error is one of them.
    func contains(_ error: any Error) -> Bool {
        let type = ObjectIdentifier(type(of: error))
        let failure = (error as? TaskFailure)?.type
        if exceptTypes.contains(type) || failure.map({ exceptFailures.contains($0) }) == true { return false }
        return isAll || types.contains(type) || failure.map { failures.contains($0) } == true
    }
}
