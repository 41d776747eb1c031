public import CeleriacCore
import CeleryDialect
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
    private let formats: CeleryFormats
    let broker: any MessageBroker
    let results: (any ResultStore)?
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger

    /// Makes an application. It connects on first use.
    ///
    /// - Parameters:
    ///   - broker: `redis://`, `rediss://`, `redis+socket://`, `amqp://`, `amqps://` (several separated by `;` are
    ///     tried in turn), `filesystem:///folder` or `memory://`.
    ///   - results: `redis://`, `rediss://`, `redis+socket://`, `rpc://` (over the broker, RabbitMQ only),
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
        let factory = CeleryTransportFactory(
            configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger, transports: transports)
        self.init(
            broker: try factory.broker(url: broker),
            results: try results.map { try factory.results(url: $0, brokerURL: broker) },
            configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes an application with a broker and a result store of your own. ``close()`` closes both.
    public init(
        broker: any MessageBroker,
        results: (any ResultStore)?,
        configuration: CeleryConfiguration = CeleryConfiguration(),
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "celeriac")
    ) {
        let formats = CeleryFormats(
            protocolVersion: configuration.taskProtocol, accept: configuration.acceptContent,
            limits: configuration.limits, valueCoding: configuration.valueCoding,
            extendsResults: configuration.resultExtended,
            routePatterns: RoutePatterns(configuration.routes, order: configuration.routeOrder))
        let timers = EventLoopTimerSource(eventLoop: eventLoopGroup.next())
        let telling =
            configuration.sendsSentEvents
            ? SentEventBroker(broker, limits: configuration.limits, timers: timers, logger: logger) : nil
        if configuration.sendsSentEvents, telling == nil {
            logger.warning(
                "this transport carries no events about tasks that are sent", metadata: ["broker": "\(broker.name)"])
        }
        let broker = telling ?? broker
        self.configuration = configuration
        self.formats = formats
        self.broker = broker
        self.results = results
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = TaskClient(
            dialect: formats, broker: broker, store: results,
            configuration: ClientConfiguration(
                defaultQueue: configuration.defaultQueue, defaultOptions: configuration.sendOptions,
                routes: configuration.routes, resultExpiry: configuration.resultLifetime),
            timers: timers, logger: logger)
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
        try self.init(
            broker: broker, results: settings.results, configuration: settings.configuration, transports: transports,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Makes a worker of this application. Call its `launch()`, or run it in a `ServiceGroup`.
    ///
    /// - Parameters:
    ///   - queues: the queues that the worker serves; nil for the default queue.
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
                queues: queues ?? [TaskQueue(configuration.defaultQueue)], concurrency: concurrency),
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
        settings.resultExpiry = configuration.resultLifetime
        settings.taskDefaults = settings.taskDefaults.over(configuration.taskDefaults)
        settings.taskAnnotations.merge(configuration.taskAnnotations) { $0.over($1) }
        let eventLoop = eventLoopGroup.next()
        let timers = EventLoopTimerSource(eventLoop: eventLoop)
        let control = control ?? configuration.control
        let remoteControl = CeleryRemoteControl(
            configuration: control, broker: broker, nodeName: nodeName,
            settings: controlSettings(of: settings, control: control), timers: timers, logger: logger)
        return TaskWorker(
            dialect: formats, broker: broker, store: results, configuration: settings,
            timers: timers, executor: EventLoopTaskExecutor(eventLoop), client: client, logger: logger,
            handlers: CeleryBuiltIns.handlers(chordRetryInterval: configuration.chordRetryInterval) + handlers(),
            parts: remoteControl.map { [$0] } ?? [])
    }

    /// Closes the application's connections. Stop its workers first.
    public func close() async {
        await client.close()
    }
}
