public import CeleriacCore
public import CeleriacWire
public import CeleryDialect
public import CeleryWire
package import Metrics
package import Tracing

/// An application's settings. The defaults are Celery's, except that workers acknowledge messages late.
public struct CeleryConfiguration: Sendable {
    /// The queue for tasks that name no queue: `task_default_queue`.
    public var defaultQueue: String
    /// The queues that the application defines: `task_queues`. Workers that name no queues serve them all; without any,
    /// the default queue.
    public var queues: [TaskQueue] = []
    /// Where tasks go by their names: `task_routes`.
    public var routes: TaskRoutes
    /// The exchange of the default queue, and of tasks whose route has only a routing key: `task_default_exchange` and
    /// `task_default_exchange_type`; nil for a direct one with the default queue's name.
    public var defaultExchange: TaskQueue.Exchange?
    /// The routing key of the default queue: `task_default_routing_key`; nil for its name.
    public var defaultRoutingKey: String?
    /// Whether there is a queue for every name, also if ``queues`` does not define it: `task_create_missing_queues`.
    public var createsMissingQueues = true
    /// Whether each worker also serves a queue of its own, `<node name>.dq2`: `worker_direct`.
    public var servesDirectQueues = false
    /// Whether a send runs the task in this process, and what follows from it, before it returns: `task_always_eager`. Only
    /// tasks run for which the application has made a worker with a handler, whether or not the worker runs; others are
    /// sent, with a warning. Times and time limits do not count. It is for tests.
    public var runsTasksEagerly = false
    /// Whether such a send throws the error with which its task fails: `task_eager_propagates`.
    public var throwsEagerFailures = false
    /// Whether the results of tasks that run like this are kept in the result store: `task_store_eager_result`. In any case
    /// whoever sends them gets them.
    public var storesEagerResults = false
    /// How clients publish again while the broker is out of reach: `task_publish_retry_policy`.
    package var publishRetry = PublishRetry()
    /// What else settings say of queues.
    var queueDefaults = QueueTable.Defaults()
    /// Options for every task that is sent, such as serializer and compression. Those of its signature and of the call
    /// take precedence.
    public var sendOptions: SendOptions
    /// Whether what a task sends has its priority, unless it is given one, and what follows a success in any case:
    /// `task_inherit_parent_priority`.
    public var inheritsParentPriority = false
    /// How workers treat tasks whose own options leave it open: `task_acks_late`, `task_time_limit`,
    /// `task_track_started` and so on.
    public var taskDefaults: TaskOptions
    /// How workers treat tasks, by task name or `*` for all. These options override the tasks' own: `task_annotations`.
    public var taskAnnotations: [String: TaskOptions]
    /// The protocol of the messages that are sent: `task_protocol`.
    public var taskProtocol: Int
    /// The forms of bodies that workers accept: `accept_content`.
    public var acceptContent: Set<CelerySerializer>
    /// Whether clients read replies of remote control in every form that makes no objects, whatever ``acceptContent`` says:
    /// a worker replies in the form of its own tasks, which who looks after it need not know.
    package var readsRepliesOfAllForms = false
    /// The keys with which messages are signed and those of others verified, where `auth` is the serializer of tasks or
    /// among ``acceptContent``.
    public var security: CelerySecurity?
    /// Whether events are signed: `event_serializer` is `auth`. Otherwise they are JSON, or what a
    /// settings file says. Without ``security`` none are sent then.
    public var signsEvents = false
    /// In what form events are sent that are not signed: `event_serializer`.
    package var eventSerializer: CelerySerializer = .json
    /// `timezone`, by which a schedule goes, for those who ask a worker.
    package var timeZone: String?
    /// `enable_utc`, likewise.
    package var usesUTC = true
    /// How long results are kept, nil or zero for ever: `result_expires`.
    public var resultExpiry: Duration?
    /// How long the results of tasks that failed are kept, zero for ever; nil for as long as others:
    /// `result_failure_expires`.
    package var failureExpiry: Duration?
    /// How long what is counted of chords is kept in Redis, zero for ever; nil for as long as results:
    /// `result_chord_expires`.
    package var chordExpiry: Duration?
    /// Whether the error callbacks of a chord also go to the tasks of its header: `task_allow_error_cb_on_chord_header`.
    package var linksErrorsInHeaders = false
    /// AMQP's delivery mode of tasks: `task_default_delivery_mode`.
    package var deliveryMode: UInt8 = 2
    /// How many levels of their arguments messages show, 0 for all: `task_repr_maxlevels`.
    package var shownLevels = 3
    /// Whether results name the task, its arguments, worker, retries and queue: `result_extended`.
    public var resultExtended: Bool
    /// In what form results are stored and sent, and in what form those in the store are: `result_serializer`. All who use
    /// a store need the same one, except for an rpc store, where every result says what it is. Pickle and
    /// `auth` are refused as soon as a result is stored or read.
    public var resultSerializer: CelerySerializer = .json
    /// The forms of results that clients read: `result_accept_content`; nil for ``acceptContent``. As in Celery, a client
    /// reads none in the form of ``resultSerializer`` unless it is among them.
    public var resultAcceptContent: Set<CelerySerializer>?
    /// How results are compressed: `result_compression`. Only Celery 5.7 and later can read that. Results that are sent
    /// by rpc never are, and compressed results are read in any case. An unknown name is refused as soon as a result is
    /// stored.
    public var resultCompression: Compression?
    /// Whether results that are sent by rpc outlive a restart of RabbitMQ while they wait for their caller:
    /// `result_persistent`.
    public var resultPersistent = false
    /// How often a worker checks whether the parts of a chord have ended, where the result store does not count them:
    /// `result_chord_retry_interval`.
    public var chordRetryInterval: Duration
    /// How values become JSON. Use the legacy style of `CeleryValueCoding` (`import CeleryWire`) for peers older than
    /// Celery 5.3.
    public var valueCoding: any ValueCoding
    /// How large and how deep messages and results may be. By default they may be as deep as Python's: 1,000 levels.
    public var limits: WireLimits
    /// Remote control and events of workers, and how clients reach them.
    public var control: CeleryControlConfiguration
    /// Whether clients, workers and beats tell monitors of each task that they send, with the event `task-sent`:
    /// `task_send_sent_event`. Each publication then takes one more round trip.
    public var sendsSentEvents: Bool
    /// How queues are laid out in Redis: `broker_transport_options`.
    public var redis: CeleryRedisOptions
    /// How queues that do not exist yet are declared at RabbitMQ: `task_queues`.
    public var amqp: CeleryAMQPOptions
    /// The prefix of the keys of results in Redis: `global_keyprefix` of `result_backend_transport_options`. In a Redis
    /// Cluster it must have a hash tag, such as `{celery}`.
    public var resultKeyPrefix: String
    /// The folders of the file transport, for a broker URL that names no folder.
    public var filesystem: CeleryFilesystemOptions?
    /// The options of a broker that only concern its connections, as `master_name` and `sentinel_kwargs` of
    /// `sentinel://`, and all options of a ``CeleryTransport`` of your own: `broker_transport_options`.
    public var brokerTransportOptions: WireObject = [:]
    /// The same options of a result store: `result_backend_transport_options`.
    public var resultTransportOptions: WireObject = [:]
    /// Tells user and password for each new connection to Redis, instead of those in URLs, so that they can change while
    /// the process runs: Celery's `redis_backend_credential_provider`, for broker, results and locks alike. A connection
    /// waits for the answer no longer than for its server, and is tried again if there is an error. Sentinels have a
    /// login of their own.
    public var redisCredentials: (@Sendable () async throws -> (user: String?, password: String))?
    /// Code of yours around each send of the application and each run of its workers, the first outermost.
    public var middleware: [any TaskMiddleware] = []
    /// Whether messages say when they were sent, in the header `timestamp_in_ms`, so that workers can measure how long
    /// tasks waited in their queue. RabbitMQ writes the same header if its message interceptors are set to.
    public var stampsSendTimes = false
    /// What makes spans; nil for what the process has when the application is made.
    package var tracer: (any Tracer)?
    /// Where metrics are; nil for the metrics system that the process has when the application is made.
    package var metrics: (any MetricsFactory)?
    /// What settings say of connections to a broker at Redis.
    var brokerConnections = RedisConnectionOptions()
    /// What settings say of connections to a result store at Redis.
    var resultConnections = RedisConnectionOptions()

    /// Makes a configuration.
    public init(
        defaultQueue: String = "celery",
        routes: TaskRoutes = [:],
        sendOptions: SendOptions = SendOptions(),
        taskDefaults: TaskOptions = TaskOptions(),
        taskAnnotations: [String: TaskOptions] = [:],
        taskProtocol: Int = 2,
        acceptContent: Set<CelerySerializer> = [.json],
        resultExpiry: Duration? = .seconds(86400),
        resultExtended: Bool = false,
        chordRetryInterval: Duration = .seconds(1),
        valueCoding: any ValueCoding = CeleryValueCoding(),
        limits: WireLimits = WireLimits(maximumDepth: 1_000),
        control: CeleryControlConfiguration = CeleryControlConfiguration(),
        sendsSentEvents: Bool = false,
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
        self.sendsSentEvents = sendsSentEvents
        self.redis = redis
        self.amqp = amqp
        self.resultKeyPrefix = resultKeyPrefix
        self.filesystem = filesystem
    }
}

extension CeleryConfiguration {
    /// How often clients publish again while the broker is out of reach and cannot have got the messages: three times by
    /// default, 0 for never, nil for as long as it takes. `task_publish_retry` and `max_retries` of
    /// `task_publish_retry_policy`.
    public var publishRetries: Int? {
        get { publishRetry.maximumRetries }
        set { publishRetry.maximumRetries = newValue.map { max(0, $0) } }
    }

    /// The configuration of somebody else at the same broker, who has queues and messages of its own: how one connects, and how
    /// messages lie there.
    package var ofItsBroker: CeleryConfiguration {
        var other = CeleryConfiguration(limits: limits, redis: redis, amqp: amqp, filesystem: filesystem)
        other.brokerTransportOptions = brokerTransportOptions
        other.brokerConnections = brokerConnections
        other.redisCredentials = redisCredentials
        return other
    }

    /// The queues that the application knows from the beginning.
    func queueTable() -> QueueTable { QueueTable(queues, defaults: filledQueueDefaults) }

    /// The queues of workers that name none.
    var servedQueues: [TaskQueue] { queues.isEmpty ? [TaskQueue(defaultQueue)] : queues }

    /// What fills the gaps in the definitions of queues.
    var filledQueueDefaults: QueueTable.Defaults {
        var defaults = queueDefaults
        defaults.queue = defaultQueue
        defaults.exchange = defaultExchange
        defaults.routingKey = defaultRoutingKey
        defaults.createsMissing = createsMissingQueues
        defaults.missingArguments.merge(amqp.defaultQueueArguments) { first, _ in first }
        return defaults
    }

    /// The queue of one worker's own, as Celery names it.
    static func directQueue(of nodeName: String) -> TaskQueue {
        TaskQueue("\(nodeName).dq2", exchange: "C.dq2", routingKey: nodeName)
    }

    /// How long results are kept. As in Celery, zero is for ever.
    var resultLifetime: Duration? { resultExpiry.flatMap { $0 > .zero ? $0 : nil } }

    /// In what forms results are written and read. `compresses` says whether the store takes compressed ones.
    func resultContent(compresses: Bool) -> CeleryResultContent {
        CeleryResultContent(
            serializer: resultSerializer, compression: compresses ? resultCompression?.rawValue : nil,
            accept: resultAcceptContent ?? acceptContent)
    }

    /// The forms of requests to workers and of their replies: Celery uses those of tasks.
    var controlContent: ControlContent { controlContent(accepting: acceptContent) }

    /// The forms of requests that clients make, and of the replies that they read.
    var replyContent: ControlContent {
        // Who wants signatures alone shall get nothing else.
        guard readsRepliesOfAllForms, acceptContent.contains(where: { $0 != .auth }) else { return controlContent }
        return controlContent(accepting: acceptContent.union([.json, .msgpack, .yaml]))
    }

    private func controlContent(accepting forms: Set<CelerySerializer>) -> ControlContent {
        ControlContent(
            accept: forms,
            serializer: sendOptions.serializer.flatMap { CelerySerializer(rawValue: $0.rawValue) } ?? .json,
            security: security)
    }

    /// In what form events are sent.
    var eventContent: ControlContent {
        ControlContent(serializer: eventForm, security: security)
    }

    /// The same as `event_serializer` names it.
    var eventForm: CelerySerializer { signsEvents ? .auth : eventSerializer }

    /// Whether tasks whose options name no serializer are signed.
    var signsTasks: Bool { sendOptions.serializer?.rawValue == CelerySerializer.auth.rawValue }

    /// Whether anything is signed, or must be.
    var usesSignatures: Bool { signsTasks || signsEvents || acceptContent.contains(.auth) }
}
