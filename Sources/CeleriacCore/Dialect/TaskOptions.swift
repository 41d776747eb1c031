/// How a worker treats a task: what Celery calls a task's attributes.
public struct TaskOptions: Sendable, Hashable {
    /// When the message is acknowledged; nil leaves it to the worker's configuration.
    public var acknowledgement: Acknowledgement?
    /// Whether no result is stored, unless the sender asks for one.
    public var ignoresResult: Bool
    /// Whether failures are stored even where results are ignored.
    public var storesErrorsEvenIfIgnored: Bool
    /// Whether `STARTED` is stored when the handler begins.
    public var tracksStarted: Bool
    /// Limits, where the sender asks for none.
    public var timeLimits: TimeLimits
    /// How often the worker may begin the task; nil for no limit. Tasks that wait for their turn hold their place in its
    /// prefetch window.
    public var rateLimit: RateLimit?
    /// Whether a late message is acknowledged when its task failed; otherwise it is rejected.
    public var acknowledgesOnFailure: Bool
    /// Whether a late message is acknowledged when its hard time limit passed; otherwise it goes back to its queue.
    public var acknowledgesOnTimeout: Bool
    /// How `retry` behaves where the handler does not say.
    public var retry: RetryPolicy
    /// Where the handler runs.
    public var placement: Placement

    /// Makes options, by default those of a Celery task except that a message is acknowledged late.
    public init(
        acknowledgement: Acknowledgement? = nil,
        ignoresResult: Bool = false,
        storesErrorsEvenIfIgnored: Bool = false,
        tracksStarted: Bool = false,
        timeLimits: TimeLimits = TimeLimits(),
        rateLimit: RateLimit? = nil,
        acknowledgesOnFailure: Bool = true,
        acknowledgesOnTimeout: Bool = true,
        retry: RetryPolicy = RetryPolicy(),
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
        self.placement = placement
    }

    /// When a message is acknowledged.
    public enum Acknowledgement: Sendable, Hashable {
        /// Before the handler begins: a crash loses the task, nothing runs twice. Celery's default.
        case early
        /// After the result is stored: a crash runs the task again.
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
