public import CeleriacCore
public import CeleryDialect
import CeleryWire
public import Logging
public import NIOCore
public import NIOPosix

/// A Celery application. It sends tasks to Celery workers in Python or Swift, reads their results, and makes workers.
///
/// ```swift
/// let celery = try CeleryApp(broker: "redis://localhost/0", results: "redis://localhost/1")
/// let result = try await celery.send(Tasks.add(2, 3))
/// let five = try await result.get(timeout: .seconds(30))
/// ```
public final class CeleryApp: TaskSender {
    /// The application's settings.
    public let configuration: CeleryConfiguration
    /// Sends tasks and reads results.
    public let client: TaskClient
    /// Remote control of workers: inspects them, revokes tasks, changes how they work.
    public let control: CeleryControl
    private let formats: CeleryFormats
    let queues: QueueTable
    let broker: any MessageBroker
    let results: (any ResultStore)?
    /// Runs tasks where they are sent; nil for an application that sends them.
    private let eager: EagerBroker?
    let eventLoopGroup: any EventLoopGroup
    /// Where the time comes from in tests; nil for the event loops.
    private let timeSource: (any TimerSource)?
    let logger: Logger

    /// Makes an application. It connects on first use.
    ///
    /// - Parameters:
    ///   - broker: `redis://`, `rediss://`, `redis+socket://`, `valkey://`, `valkeys://`, `sentinel://` (several
    ///     separated by `;`, with the option `master_name`), `amqp://`, `amqps://` (several separated by `;` are tried in
    ///     turn), `filesystem:///folder` or `memory://`.
    ///   - results: `redis://` and its kin as for the broker, `rpc://` (over the broker, RabbitMQ only),
    ///     `file:///folder` or `memory://`; nil to keep no results.
    ///   - configuration: the application's settings.
    ///   - transports: transports of your own. Both URLs may use their schemes, which take precedence over the built-in
    ///     ones.
    ///   - eventLoopGroup: where connections and timers run. The application does not shut it down.
    ///   - logger: the logger of the application, its connections and its workers.
    /// - Throws: ``CeleriacError`` with code `configuration` for a URL that cannot be used.
    public convenience init(
        broker: String,
        results: String? = nil,
        configuration: CeleryConfiguration = CeleryConfiguration(),
        transports: [CeleryTransport] = [],
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "celeriac")
    ) throws {
        let queues = configuration.queueTable()
        let factory = CeleryTransportFactory(
            configuration: configuration, queues: queues, eventLoopGroup: eventLoopGroup, logger: logger,
            transports: transports)
        let store = results.flatMap { CeleryTransportFactory.isDisabled($0) ? nil : $0 }
        self.init(
            broker: try factory.broker(url: broker),
            results: try store.map { try factory.results(url: $0, brokerURL: broker) },
            configuration: configuration, queues: queues, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes an application with a broker and a result store of your own. ``close()`` closes both.
    public convenience init(
        broker: any MessageBroker,
        results: (any ResultStore)?,
        configuration: CeleryConfiguration = CeleryConfiguration(),
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "celeriac")
    ) {
        self.init(
            broker: broker, results: results, configuration: configuration, queues: configuration.queueTable(),
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes an application in a time of its own, for tests.
    package convenience init(
        broker: any MessageBroker, results: (any ResultStore)?, configuration: CeleryConfiguration,
        timeSource: any TimerSource
    ) {
        self.init(
            broker: broker, results: results, configuration: configuration, queues: configuration.queueTable(),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, timeSource: timeSource,
            logger: Logger(label: "celeriac"))
    }

    private init(
        broker: any MessageBroker, results: (any ResultStore)?, configuration: CeleryConfiguration, queues: QueueTable,
        eventLoopGroup: any EventLoopGroup, timeSource: (any TimerSource)? = nil, logger: Logger
    ) {
        // Celery's rpc store compresses no results either.
        let compresses = results?.deliversOnce != true
        if !compresses, configuration.resultCompression != nil {
            logger.warning(
                "result_compression has no effect: this result store sends results as they are",
                metadata: ["store": "\(results?.name ?? "")"])
        }
        if configuration.usesSignatures, configuration.security == nil {
            logger.error("no message can be signed or verified: \(CelerySerializer.lackOfKeys)")
        }
        var formats = CeleryFormats(
            protocolVersion: configuration.taskProtocol, accept: configuration.acceptContent,
            limits: configuration.limits, valueCoding: configuration.valueCoding,
            extendsResults: configuration.resultExtended,
            resultContent: configuration.resultContent(compresses: compresses),
            inheritsPriority: configuration.inheritsParentPriority, failureExpiry: configuration.failureExpiry,
            router: CeleryRouter(queues: queues, routes: configuration.routes),
            security: configuration.security, signsTasks: configuration.signsTasks)
        formats.deliveryMode = configuration.deliveryMode
        formats.linksErrorsInHeaders = configuration.linksErrorsInHeaders
        formats.representation.maximumDepth = configuration.shownLevels
        let timers: any TimerSource = timeSource ?? EventLoopTimerSource(eventLoop: eventLoopGroup.next())
        let telling =
            configuration.sendsSentEvents
            ? SentEventBroker(
                broker, limits: configuration.limits, content: configuration.eventContent,
                control: configuration.control, timers: timers, logger: logger) : nil
        if configuration.sendsSentEvents, telling == nil {
            logger.warning(
                "this transport carries no events about tasks that are sent", metadata: ["broker": "\(broker.name)"])
        }
        let broker: any MessageBroker = telling ?? broker
        let eager =
            configuration.runsTasksEagerly
            ? EagerBroker(
                broker, dialect: formats,
                results: EagerResults(base: results, keepsResults: configuration.storesEagerResults),
                throwsFailures: configuration.throwsEagerFailures, logger: logger) : nil
        let caller = ControlCaller(
            configuration: configuration.control, content: configuration.replyContent,
            limits: configuration.limits, broker: broker, timers: timers, logger: logger)
        self.control = CeleryControl(caller)
        self.configuration = configuration
        self.queues = queues
        self.formats = formats
        self.broker = broker
        self.results = results
        self.eager = eager
        self.eventLoopGroup = eventLoopGroup
        self.timeSource = timeSource
        self.logger = logger
        var sending = ClientConfiguration(
            defaultQueue: configuration.defaultQueue, defaultOptions: configuration.sendOptions,
            resultExpiry: configuration.resultLifetime,
            // A task that has run must not run again because what follows it was not published.
            publishRetry: eager == nil ? configuration.publishRetry : .never)
        sending.middleware = configuration.middleware
        sending.stampsSendTimes = configuration.stampsSendTimes
        sending.tracer = configuration.tracer
        sending.metrics = configuration.metrics
        self.client = TaskClient(
            dialect: formats, broker: eager.map { $0 as any MessageBroker } ?? broker,
            store: eager.map { $0.results as any ResultStore } ?? results, configuration: sending, timers: timers,
            logger: logger, revoker: caller)
    }

    /// Makes an application from settings under Celery's names. Pass `settings.worker` to make its workers.
    ///
    /// - Parameters:
    ///   - settings: the settings, for instance those of a YAML file.
    ///   - transports: transports of your own, whose schemes `broker_url` and `result_backend` may use.
    ///   - eventLoopGroup: where connections and timers run. The application does not shut it down.
    ///   - logger: the logger of the application, its connections and its workers.
    /// - Throws: ``CeleriacError`` with code `configuration` if `broker_url` is missing or a URL cannot be used.
    public convenience init(
        settings: CelerySettings,
        transports: [CeleryTransport] = [],
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "celeriac")
    ) throws {
        guard let broker = settings.broker else {
            throw CeleriacError(.configuration, "the settings have no broker_url")
        }
        for notice in settings.notices { logger.info("\(notice)") }
        for warning in settings.warnings { logger.warning("\(warning)") }
        try self.init(
            broker: broker, results: settings.results, configuration: settings.configuration, transports: transports,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes a worker of this application. Call its `launch()`, or run it in a `ServiceGroup`.
    ///
    /// - Parameters:
    ///   - queues: the queues that the worker serves, by name those of the configuration; nil for all of these.
    ///   - concurrency: how many handlers run at once.
    ///   - handlers: the handlers of the tasks that the worker serves.
    /// - Returns: the worker, not yet running.
    public func worker(
        queues: [TaskQueue]? = nil,
        concurrency: Int = 8,
        @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        worker(
            WorkerConfiguration(
                queues: queues ?? configuration.servedQueues, concurrency: concurrency),
            handlers: handlers)
    }

    /// Makes a worker of this application with settings of its own.
    ///
    /// - Parameters:
    ///   - settings: the worker's settings. The application's result expiry replaces theirs; task options that they
    ///     leave open come from the application's configuration.
    ///   - control: the worker's remote control and events; nil for those of the application's configuration.
    ///   - handlers: the handlers of the tasks that the worker serves.
    /// - Returns: the worker, not yet running.
    public func worker(
        _ settings: WorkerConfiguration, control: CeleryControlConfiguration? = nil,
        @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        var settings = settings
        let nodeName = settings.nodeName ?? NodeName.current(formats.name)
        settings.nodeName = nodeName
        if configuration.servesDirectQueues { settings.queues.append(CeleryConfiguration.directQueue(of: nodeName)) }
        // What cannot be resolved is refused when the worker begins to consume.
        settings.queues = settings.queues.map { (try? queues.resolve($0)) ?? $0 }
        settings.resultExpiry = configuration.resultLifetime
        settings.taskDefaults = settings.taskDefaults.over(configuration.taskDefaults)
        settings.taskAnnotations.merge(configuration.taskAnnotations) { $0.over($1) }
        settings.hooks.middleware = configuration.middleware + settings.hooks.middleware
        settings.tracer = settings.tracer ?? configuration.tracer
        settings.metrics = settings.metrics ?? configuration.metrics
        let eventLoop = eventLoopGroup.next()
        let timers = timers(on: eventLoop)
        let control = control ?? configuration.control
        let remoteControl = CeleryRemoteControl(
            configuration: control, content: configuration.controlContent, eventSerializer: configuration.eventForm,
            broker: broker, queues: queues, nodeName: nodeName,
            settings: controlSettings(of: settings, control: control), timers: timers, logger: logger)
        let worker = TaskWorker(
            dialect: formats, broker: broker, store: results, configuration: settings,
            timers: timers, executor: EventLoopTaskExecutor(eventLoop), client: client, logger: logger,
            handlers: CeleryBuiltIns.handlers(chordRetryInterval: configuration.chordRetryInterval) + handlers(),
            parts: remoteControl.map { [$0] } ?? [])
        eager?.serve(worker)
        return worker
    }

    /// Where workers and beats on an event loop take the time and their timers from.
    func timers(on eventLoop: any EventLoop) -> any TimerSource {
        timeSource ?? EventLoopTimerSource(eventLoop: eventLoop)
    }

    /// Closes the application's connections. Stop its workers first.
    public func close() async {
        await client.close()
    }
}
