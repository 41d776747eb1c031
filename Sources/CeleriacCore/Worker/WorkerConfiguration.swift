package import Metrics
package import Tracing

/// How a worker works.
public struct WorkerConfiguration: Sendable {
    /// The queues that the worker serves.
    public var queues: [TaskQueue]
    /// How many handlers run at once. A number of handlers, not of threads.
    public var concurrency: Int
    /// Bounds between which the worker itself chooses how many handlers run at once, by how many tasks it holds; nil, the
    /// default, for ``concurrency``. It begins with the lower bound, grows at once, and shrinks when for 30 seconds no task
    /// has come: Celery's `--autoscale`. The worker holds messages for the upper bound.
    public var autoscale: ClosedRange<Int>?
    /// How many messages the worker holds at most for each handler, including the one that is running. With 1 it takes
    /// a message that is acknowledged late only when a handler is free for it.
    public var prefetchMultiplier: Int
    /// Whether the worker takes a message only when a handler is free for it, whatever ``prefetchMultiplier`` is, and also
    /// if it is acknowledged early. RabbitMQ may still send such a worker one early message more for each handler.
    /// Celery's `worker_disable_prefetch`.
    public var disablesPrefetch = false
    /// How many messages the worker holds in all at most while some of them wait for their time: then it takes no others
    /// before the time of some has come, so that many tasks with an ETA cannot fill its memory. Nil, the default, for no
    /// limit: tasks that wait for their time take no place of others. Celery's `worker_eta_task_limit`.
    public var maximumScheduledTasks: Int?
    /// The node name, `name@host`; nil for the name of the task system at this machine, for instance `celery@host`.
    public var nodeName: String?
    /// When a message is acknowledged if its task does not say.
    public var acknowledgement: TaskOptions.Acknowledgement
    /// Options for tasks that leave them open.
    public var taskDefaults: TaskOptions
    /// Options by task name that take precedence over those of the task; those under `*` apply to all tasks. Celery's
    /// `task_annotations`.
    public var taskAnnotations: [String: TaskOptions]
    /// How long results are kept; nil for ever.
    public var resultExpiry: Duration?
    /// How long a stop may take in all, whatever the servers do: then the worker waits no longer. The tasks of handlers
    /// that still run are cancelled when four fifths of it are over, so that their messages can still be given back.
    public var stopTimeout: Duration
    /// How long a program's cold shutdown lets tasks run on before it cancels them; zero to cancel them at once.
    package var softShutdownTimeout = Duration.zero
    /// Whether the program stays as long if no task runs then.
    package var softShutdownIsForIdle = false
    /// How often a message that has come back may begin without being settled before the worker parks it, since a
    /// message that crashes its worker comes back again and again. Its first beginning is not counted. It must be 1 or
    /// more. With 1 or 2, messages that have come back begin one at a time in a worker from the first, also after a stop
    /// of a worker, so that few are counted beside one that ends the process.
    public var maximumAttempts: Int
    /// What the worker calls around every run.
    public var hooks: WorkerHooks
    /// Whether the log, and the span of a run, have the text and the place of an error with which a task fails or is
    /// retried, and not its type alone. Set it to false where arguments are private, since the text of an error may quote
    /// them.
    public var logsErrorTexts = true
    /// Whether the log has the arguments of tasks that are received, fail or are retried, and the results of those that
    /// succeed. By default it has neither, since they may be private. Arguments are shown as their sender wants them to be
    /// (``SendOptions/argumentsText``), results as they are; both are cut off after about a thousand characters.
    public var logsArguments = false
    /// Whether a task fails when the worker parks its message only because the content is foreign to this worker: of a
    /// type that it does not accept, such as Python's pickle, or compressed by a codec that this build lacks. By
    /// default nothing is stored for such a message, as a Python worker stores nothing: somebody may put it back for a
    /// worker that can read it. For every other message that is parked the task fails in any case.
    public var failsTasksOfUnacceptedContent: Bool
    /// Whether the worker takes no tasks while its result store is out of reach, and gives back to their queues the
    /// messages whose tasks it has not begun. By default it goes on within its window: the outcomes that wait for the
    /// store keep their places there, also those of tasks whose messages were acknowledged early, so that at last the
    /// worker takes no more. A store is out of reach when it has not answered, or has failed to be reached, for 3
    /// seconds. Either way nothing that is acknowledged late is acknowledged before its result is stored.
    public var pausesWithoutResultStore = false
    /// Whether the worker, before it begins a task whose message has come back, looks whether the task has succeeded
    /// before: then it acknowledges the message and does not run the task again. It looks only for messages that are
    /// acknowledged late, and only where results are kept to be read. Celery's `worker_deduplicate_successful_tasks`.
    public var deduplicatesSuccessfulTasks = false
    /// Whether the worker cancels the handlers of tasks that are acknowledged late when their messages are lost with the
    /// connection to the broker, as at RabbitMQ: they run again where the broker delivers them. By default they go on,
    /// and end what is delivered to this worker again. In Redis and in folders nothing is lost with a connection. Celery's
    /// `worker_cancel_long_running_tasks_on_connection_loss`.
    public var cancelsTasksOnConnectionLoss = false
    /// Where the worker answers health checks over HTTP: ``HealthEndpoint``. Nil, the default, for nowhere. If nobody can listen
    /// there, ``TaskWorker/run()`` throws at once.
    public var healthEndpoint: HealthEndpoint?
    /// Where the worker's metrics are; nil for the metrics system that the process has when the worker is made.
    package var metrics: (any MetricsFactory)?
    /// What `GET /metrics` answers beside the health checks; nil if there is no such path.
    package var metricsPage: (any MetricsPage)?
    /// What makes spans; nil for what the process has when the worker is made.
    package var tracer: (any Tracer)?
    var revocationLimits = RevocationLimits()
    package var parkingPolicy = ParkingPolicy()
    /// Whether a worker whose first attempt to reach the broker fails tries again.
    package var retriesFirstConnection = true
    /// Whether a worker whose connection to the broker is lost connects again. One that does not lets its tasks end and fails.
    package var retriesLostConnection = true
    /// How often it tries again; nil for no limit.
    package var maximumFirstRetries: Int?
    /// Whether tasks begin as they come, whatever their rate limits.
    package var disablesRateLimits = false
    /// Whether ``maximumAttempts`` may be 0, so that the worker parks what it takes: for tests of what follows.
    package var parksUnbegun = false
    /// Parts that run beside the worker, besides those of its dialect.
    package var parts: [any WorkerPart] = []
    /// The file in which a program keeps the ids of revoked tasks.
    package var stateFile: String?
    /// The ids of tasks that were revoked before the worker begins.
    package var initialRevocations: [String] = []
    package private(set) var sharedValues = SharedValues()
    /// Observers that are told what happens to tasks.
    package var observers: [any WorkerObserver] = []

    /// Makes a configuration.
    public init(
        queues: [TaskQueue],
        concurrency: Int = 8,
        prefetchMultiplier: Int = 4,
        nodeName: String? = nil,
        acknowledgement: TaskOptions.Acknowledgement = .late,
        taskDefaults: TaskOptions = TaskOptions(),
        taskAnnotations: [String: TaskOptions] = [:],
        resultExpiry: Duration? = .seconds(86400),
        stopTimeout: Duration = .seconds(25),
        maximumAttempts: Int = 5,
        hooks: WorkerHooks = WorkerHooks(),
        failsTasksOfUnacceptedContent: Bool = false
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
        self.hooks = hooks
        self.failsTasksOfUnacceptedContent = failsTasksOfUnacceptedContent
    }

    /// Shares a value with all handlers, which get it by its type from ``TaskContext/shared(_:)``: a database pool, a
    /// client. Of two values of one type, the last one counts.
    public mutating func share<Value: Sendable>(_ value: Value) { sharedValues[Value.self] = value }

    /// How many ids of revoked tasks the worker remembers, and how many values of stamps. Past that it forgets the
    /// oldest ids and ignores further stamps.
    public var maximumRevocations: Int {
        get { revocationLimits.maximumCount }
        set { revocationLimits.maximumCount = newValue }
    }

    /// How long the worker remembers the id of a revoked task; that of a task whose message it has the broker keep
    /// until the task's time, that long from then.
    public var revocationLifetime: Duration {
        get { revocationLimits.lifetime }
        set { revocationLimits.lifetime = newValue }
    }
}

// MARK: Parked messages

extension WorkerConfiguration {
    /// How many messages may be parked from a queue: when there are more, a worker drops the oldest. Nil by default, for
    /// any number, since a lost task may be a lost order. What a worker drops is in its log at `error`.
    ///
    /// Any worker of a queue drops what its own settings say, whoever has parked it.
    public var maximumParkedMessages: Int? {
        get { parkingPolicy.limit }
        set { parkingPolicy.limit = newValue }
    }

    /// How long a message stays parked before a worker of its queue drops it; nil by default, for ever.
    public var parkedMessageLifetime: Duration? {
        get { parkingPolicy.age }
        set { parkingPolicy.age = newValue }
    }

    /// The exchange to which the worker publishes what it cannot run, instead of parking it in `<queue>.parked`: as it
    /// came, with the reason in its headers. If the exchange is missing or leads to no queue, the message is parked. For
    /// RabbitMQ alone: with other brokers the worker ends at once with an error. Nil by default.
    public var deadLetterExchange: String? {
        get { parkingPolicy.deadLetterExchange }
        set { parkingPolicy.deadLetterExchange = newValue }
    }

    /// The routing key with which the worker does that; nil by default, for the key that the message came with.
    public var deadLetterRoutingKey: String? {
        get { parkingPolicy.deadLetterRoutingKey }
        set { parkingPolicy.deadLetterRoutingKey = newValue }
    }
}

extension WorkerConfiguration {
    /// What the worker's log tells of tasks.
    var taskLog: TaskLog { TaskLog(showsErrorTexts: logsErrorTexts, showsArguments: logsArguments) }

    /// How many handlers may run at once when the worker starts.
    package var initialConcurrency: Int { autoscale?.lowerBound ?? concurrency }

    /// How many messages the worker holds at most for each handler, with ``disablesPrefetch`` in mind.
    var messagesPerHandler: Int { disablesPrefetch ? 1 : prefetchMultiplier }

    /// How many messages the worker holds at most when it starts.
    var window: Int {
        (autoscale?.upperBound ?? concurrency).multipliedReportingOverflow(by: messagesPerHandler).partialValue
    }

    /// Refuses settings that cannot work.
    func validate() throws(CeleriacError) {
        if queues.isEmpty { throw CeleriacError(.configuration, "a worker needs at least one queue") }
        // Messages for an empty name go to the default queue, so this worker would wait for ever.
        if queues.contains(where: \.name.isEmpty) { throw CeleriacError(.configuration, "a queue needs a name") }
        guard WorkerPool.concurrencies.contains(concurrency) else {
            throw CeleriacError(.configuration, "concurrency is \(concurrency): it must be 1 to 65535")
        }
        if let autoscale,
            !WorkerPool.concurrencies.contains(autoscale.lowerBound)
                || !WorkerPool.concurrencies.contains(autoscale.upperBound)
        {
            throw CeleriacError(.configuration, "autoscale is \(autoscale): both bounds must be 1 to 65535")
        }
        guard (1...65535).contains(prefetchMultiplier) else {
            throw CeleriacError(.configuration, "prefetchMultiplier is \(prefetchMultiplier): it must be 1 to 65535")
        }
        if let limit = maximumScheduledTasks, limit < 1 {
            throw CeleriacError(
                .configuration, "maximumScheduledTasks is \(limit): it must be 1 or more, or nil for no limit")
        }
        guard maximumAttempts >= 1 || parksUnbegun else {
            throw CeleriacError(
                .configuration,
                "maximumAttempts is \(maximumAttempts): it must be 1 or more, or every message would be parked")
        }
        guard stopTimeout >= .zero else {
            throw CeleriacError(.configuration, "stopTimeout is \(stopTimeout): it must be 0 s or more")
        }
        try healthEndpoint?.validate()
    }

    /// Returns a handler with the options under which the worker serves it.
    func configured(_ handler: TaskHandler) -> TaskHandler {
        var handler = handler
        let own = handler.options
        var options = own.over(taskDefaults)
        for annotation in [taskAnnotations["*"], taskAnnotations[handler.name]] {
            if let annotation { options = annotation.over(options) }
        }
        options.retriedErrors = own.retriedErrors
        options.placement = own.placement
        handler.options = options
        return handler
    }
}
