public import CeleriacCore
public import CeleriacWire
public import CeleryDialect
public import CeleryWire

/// An application's settings, under Celery's names where Celery has them. The defaults are Celery's, save that messages
/// are acknowledged late.
public struct CeleryConfiguration: Sendable {
    /// The queue of tasks that name none: `task_default_queue`.
    public var defaultQueue: String
    /// Queues by task name: `task_routes`.
    public var routes: [String: String]
    /// Options of every task that is sent, under those of its signature and of the call: serializer, compression, …
    public var sendOptions: SendOptions
    /// How workers treat tasks that leave it open: `task_acks_late`, `task_time_limit`, `task_track_started`, ….
    public var taskDefaults: TaskOptions
    /// How workers treat tasks, by name or `*` for all, whatever the tasks say themselves: `task_annotations`.
    public var taskAnnotations: [String: TaskOptions]
    /// The protocol of the messages that are sent: `task_protocol`.
    public var taskProtocol: Int
    /// The forms of bodies that workers accept: `accept_content`.
    public var acceptContent: Set<CelerySerializer>
    /// How long results are kept, nil for ever: `result_expires`.
    public var resultExpiry: Duration?
    /// Whether results name the task, its arguments, worker, retries and queue: `result_extended`.
    public var resultExtended: Bool
    /// How often to look whether the parts of a chord are done, where the result store does not count them:
    /// `result_chord_retry_interval`.
    public var chordRetryInterval: Duration
    /// How values become JSON. ``CeleryValueCoding`` with its legacy style for peers older than Celery 5.3.
    public var valueCoding: any ValueCoding
    /// How large and how deep messages may be.
    public var limits: WireLimits
    /// Remote control and events of workers.
    public var control: CeleryControlConfiguration
    /// How queues are laid out in Redis: `broker_transport_options`.
    public var redis: CeleryRedisOptions
    /// How queues are declared at RabbitMQ, where they do not exist: `task_queues`.
    public var amqp: CeleryAMQPOptions
    /// Prepended to the keys of results in Redis: `global_keyprefix` of `result_backend_transport_options`.
    public var resultKeyPrefix: String
    /// The folders of the file transport, where the broker's URL names none.
    public var filesystem: CeleryFilesystemOptions?

    /// Makes a configuration.
    public init(
        defaultQueue: String = "celery",
        routes: [String: String] = [:],
        sendOptions: SendOptions = SendOptions(),
        taskDefaults: TaskOptions = TaskOptions(),
        taskAnnotations: [String: TaskOptions] = [:],
        taskProtocol: Int = 2,
        acceptContent: Set<CelerySerializer> = [.json],
        resultExpiry: Duration? = .seconds(86400),
        resultExtended: Bool = false,
        chordRetryInterval: Duration = .seconds(1),
        valueCoding: any ValueCoding = CeleryValueCoding(),
        limits: WireLimits = .default,
        control: CeleryControlConfiguration = CeleryControlConfiguration(),
        redis: CeleryRedisOptions = CeleryRedisOptions(),
        amqp: CeleryAMQPOptions = CeleryAMQPOptions(),
        resultKeyPrefix: String = "",
        filesystem: CeleryFilesystemOptions? = nil
    ) {
        self.defaultQueue = defaultQueue
        self.routes = routes
        self.sendOptions = sendOptions
        self.taskDefaults = taskDefaults
        self.taskAnnotations = taskAnnotations
        self.taskProtocol = taskProtocol
        self.acceptContent = acceptContent
        self.resultExpiry = resultExpiry
        self.resultExtended = resultExtended
        self.chordRetryInterval = chordRetryInterval
        self.valueCoding = valueCoding
        self.limits = limits
        self.control = control
        self.redis = redis
        self.amqp = amqp
        self.resultKeyPrefix = resultKeyPrefix
        self.filesystem = filesystem
    }
}
