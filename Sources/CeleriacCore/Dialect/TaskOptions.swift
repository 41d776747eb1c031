/// How a worker treats a task: what Celery calls a task's attributes. The application's configuration decides about an
/// option that is nil; if that is nil too, the default named here applies.
public struct TaskOptions: Sendable, Hashable {
    /// When the message is acknowledged; nil leaves it to the worker's configuration.
    public var acknowledgement: Acknowledgement?
    /// Whether no result is stored, unless the sender asks for one; no by default.
    public var ignoresResult: Bool?
    /// Whether failures are stored even where results are ignored; no by default.
    public var storesErrorsEvenIfIgnored: Bool?
    /// Whether `STARTED` is stored when the handler begins; no by default.
    public var tracksStarted: Bool?
    /// Limits for runs whose sender asks for none.
    public var timeLimits: TimeLimits
    /// How often the worker may begin the task; nil for no limit. Tasks that wait for their turn keep their place in
    /// the prefetch window.
    public var rateLimit: RateLimit?
    /// Whether a late message is acknowledged when its task failed; otherwise it is rejected. Yes by default.
    public var acknowledgesOnFailure: Bool?
    /// Whether a late message is acknowledged when its hard time limit passed; otherwise it goes back to its queue. Yes
    /// by default.
    public var acknowledgesOnTimeout: Bool?
    /// How `retry` behaves if the handler does not say; nil for the task system's default, which in Celery is three
    /// retries, 180 seconds apart.
    public var retry: RetryPolicy?
    /// How often the task is retried whatever ``retry`` says, `Int.max` for no limit: an annotation's `max_retries`.
    package var retryLimit: Int?
    /// How long to wait before each retry in place of a fixed delay of ``retry``: an annotation's `default_retry_delay`.
    package var retryDelay: Duration?
    /// The errors after which the worker retries the task by itself, as ``retry`` says.
    public var retriedErrors: RetriedErrors
    /// Where the handler runs.
    public var placement: Placement

    /// Makes options, by default those of a Celery task except that a message is acknowledged late.
    public init(
        acknowledgement: Acknowledgement? = nil,
        ignoresResult: Bool? = nil,
        storesErrorsEvenIfIgnored: Bool? = nil,
        tracksStarted: Bool? = nil,
        timeLimits: TimeLimits = TimeLimits(),
        rateLimit: RateLimit? = nil,
        acknowledgesOnFailure: Bool? = nil,
        acknowledgesOnTimeout: Bool? = nil,
        retry: RetryPolicy? = nil,
        retriedErrors: RetriedErrors = RetriedErrors(),
        placement: Placement = .concurrent
    ) {
        self.acknowledgement = acknowledgement
        self.ignoresResult = ignoresResult
        self.storesErrorsEvenIfIgnored = storesErrorsEvenIfIgnored
        self.tracksStarted = tracksStarted
        self.timeLimits = timeLimits
        self.rateLimit = rateLimit
        self.acknowledgesOnFailure = acknowledgesOnFailure
        self.acknowledgesOnTimeout = acknowledgesOnTimeout
        self.retry = retry
        self.retriedErrors = retriedErrors
        self.placement = placement
    }

    /// Returns these options, with those of `defaults` in place of nil. ``retriedErrors`` and ``placement`` are never
    /// nil and stay as they are.
    package func over(_ defaults: TaskOptions) -> TaskOptions {
        var merged = self
        merged.acknowledgement = acknowledgement ?? defaults.acknowledgement
        merged.ignoresResult = ignoresResult ?? defaults.ignoresResult
        merged.storesErrorsEvenIfIgnored = storesErrorsEvenIfIgnored ?? defaults.storesErrorsEvenIfIgnored
        merged.tracksStarted = tracksStarted ?? defaults.tracksStarted
        merged.timeLimits.soft = timeLimits.soft ?? defaults.timeLimits.soft
        merged.timeLimits.hard = timeLimits.hard ?? defaults.timeLimits.hard
        merged.rateLimit = rateLimit ?? defaults.rateLimit
        merged.acknowledgesOnFailure = acknowledgesOnFailure ?? defaults.acknowledgesOnFailure
        merged.acknowledgesOnTimeout = acknowledgesOnTimeout ?? defaults.acknowledgesOnTimeout
        merged.retry = retry ?? defaults.retry
        merged.retryLimit = retryLimit ?? defaults.retryLimit
        merged.retryDelay = retryDelay ?? defaults.retryDelay
        return merged
    }

    /// When a message is acknowledged.
    public enum Acknowledgement: Sendable, Hashable {
        /// Before the handler begins: a crash loses the task, a stop that cancels the handler fails it, nothing runs twice.
        /// Celery's default.
        case early
        /// After the result is stored: a crash runs the task again, as with Celery's `reject_on_worker_lost`.
        /// ``WorkerConfiguration/maximumAttempts`` limits how often.
        case late
    }

    /// Where a handler runs.
    public enum Placement: Sendable, Hashable {
        /// On the concurrency pool, for handlers that suspend while they wait.
        case concurrent
        /// On threads of the worker's own, for handlers that block their thread.
        case blocking
    }
}
