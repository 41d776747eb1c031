/// Errors after which a task is retried by itself: Celery's `autoretry_for` and `dont_autoretry_for`.
///
/// ```swift
/// TaskOptions(
///     retry: RetryPolicy(maximumRetries: 5, delay: .exponential(base: .seconds(1))),
///     retriedErrors: RetriedErrors(HTTPError.self, failures: ["ConnectionError"]))
/// ```
///
/// Errors are told apart by their exact type, as Swift's are not ordered under each other. A ``TaskFailure`` is known by the
/// name of its exception. What ends a run in its own way (``IgnoreResult``, ``Rejection``, a retry, a replacement, a
/// cancellation) is never retried so.
public struct RetriedErrors: Sendable, Hashable {
    private var types: Set<ObjectIdentifier>
    private var failures: Set<String>
    private var isAll = false
    private var exceptTypes: Set<ObjectIdentifier> = []
    private var exceptFailures: Set<String> = []

    /// Errors of these types, and failures with these exceptions.
    public init(_ types: any Error.Type..., failures: Set<String> = []) {
        self.types = Set(types.map { ObjectIdentifier($0) })
        self.failures = failures
    }

    /// Every error: `autoretry_for=(Exception,)`.
    public static var all: RetriedErrors {
        var errors = RetriedErrors()
        errors.isAll = true
        return errors
    }

    /// These errors without those of some types, and without failures with some exceptions: `dont_autoretry_for`.
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
