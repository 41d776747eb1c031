/// How a worker works.
public struct WorkerConfiguration: Sendable {
    /// The queues that it serves.
    public var queues: [String]
    /// How many handlers run at once. A number of handlers, not of threads.
    public var concurrency: Int
    /// How many messages the worker holds at most for each handler, the running one included. 1 takes a message only
    /// when a handler is free for it.
    public var prefetchMultiplier: Int
    /// The node name, `name@host`.
    public var nodeName: String
    /// When messages are acknowledged, where a task does not say.
    public var acknowledgement: TaskOptions.Acknowledgement
    /// How long results are kept; nil for ever.
    public var resultExpiry: Duration?
    /// How long running handlers may go on after a graceful stop began, before their tasks are cancelled.
    public var stopTimeout: Duration
    /// How often a message may come back without having been settled, which is what a message that crashes its worker
    /// does, before it is parked. Counted as far as the broker tells.
    public var maximumAttempts: Int
    /// What handlers share, see ``TaskContext/shared(_:)``.
    public var sharedValues: SharedValues
    /// What is called around every run.
    public var hooks: WorkerHooks
    /// Who is told what happens to tasks.
    public var observers: [any WorkerObserver]

    /// Makes a configuration.
    public init(
        queues: [String],
        concurrency: Int = 8,
        prefetchMultiplier: Int = 4,
        nodeName: String = NodeName.current(),
        acknowledgement: TaskOptions.Acknowledgement = .late,
        resultExpiry: Duration? = .seconds(86400),
        stopTimeout: Duration = .seconds(30),
        maximumAttempts: Int = 5,
        sharedValues: SharedValues = SharedValues(),
        hooks: WorkerHooks = WorkerHooks(),
        observers: [any WorkerObserver] = []
    ) {
        self.queues = queues
        self.concurrency = concurrency
        self.prefetchMultiplier = prefetchMultiplier
        self.nodeName = nodeName
        self.acknowledgement = acknowledgement
        self.resultExpiry = resultExpiry
        self.stopTimeout = stopTimeout
        self.maximumAttempts = maximumAttempts
        self.sharedValues = sharedValues
        self.hooks = hooks
        self.observers = observers
    }
}
