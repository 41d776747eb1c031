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
    /// Options of tasks, where a task leaves them open.
    public var taskDefaults: TaskOptions
    /// Options by the name of a task, over its own; under `*` those of all. Celery's `task_annotations`.
    public var taskAnnotations: [String: TaskOptions]
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
        taskDefaults: TaskOptions = TaskOptions(),
        taskAnnotations: [String: TaskOptions] = [:],
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
        self.taskDefaults = taskDefaults
        self.taskAnnotations = taskAnnotations
        self.resultExpiry = resultExpiry
        self.stopTimeout = stopTimeout
        self.maximumAttempts = maximumAttempts
        self.sharedValues = sharedValues
        self.hooks = hooks
        self.observers = observers
    }
}

extension WorkerConfiguration {
    /// A handler with the options that it is served under.
    func configured(_ handler: TaskHandler) -> TaskHandler {
        var handler = handler
        let own = handler.options
        var options = own.over(taskDefaults)
        for annotation in [taskAnnotations["*"], taskAnnotations[handler.name]] {
            if let annotation { options = annotation.over(options) }
        }
        options.retry = own.retry
        options.retriedErrors = own.retriedErrors
        options.placement = own.placement
        handler.options = options
        return handler
    }
}
