import ArgumentParser
import Celeriac
import Logging

/// The broker and the result store of a command.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "The broker's URL: redis://, rediss://, amqp://, amqps:// or filesystem://. Default: CELERY_BROKER_URL.")
    var broker: String?

    @Option(
        help: "The result store's URL: redis://, rpc:// or file://. Default: CELERY_RESULT_BACKEND.")
    var resultBackend: String?

    @Flag(name: .shortAndLong, help: "Log connection events on standard error.")
    var verbose = false

    /// The broker's URL, from the options or from the environment under `name`.
    func brokerURL(or name: String = "CELERY_BROKER_URL") throws -> String {
        guard let url = broker ?? CommandEnvironment()[name] else {
            throw ValidationError("Specify the broker: --broker URL, or \(name) in the environment.")
        }
        return url
    }

    /// The result store's URL, from the options or from the environment; nil if neither names one.
    var resultURL: String? { resultBackend ?? CommandEnvironment()["CELERY_RESULT_BACKEND"] }

    /// The application that these options describe.
    ///
    /// - Parameter level: The least severe level to log on standard error without `--verbose`.
    /// - Returns: An application that connects on first use.
    /// - Throws: `ValidationError` if no broker is named; `CeleriacError` with code `configuration` for an unusable
    ///   URL.
    func makeApp(logging level: Logger.Level = .error) throws -> CeleryApp {
        try CeleryApp(
            broker: try brokerURL(), results: resultURL, configuration: try Self.configuration(), logger: logger(level))
    }

    /// What the variables `CELERY_…` say of an application, under Celery's names for its settings.
    static func configuration() throws(CeleriacError) -> CeleryConfiguration {
        try CelerySettings(environment: CommandEnvironment().all).configuration
    }

    /// Creates the logger of a command's connections.
    ///
    /// - Parameter level: The least severe level to log without `--verbose`.
    /// - Returns: A logger that writes to standard error.
    func logger(_ level: Logger.Level = .error) -> Logger {
        var logger = Logger(label: "celeriac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : level
        return logger
    }
}

/// A dialect, as the command line names it.
enum DialectName: String, ExpressibleByArgument {
    case celery, machinery

    /// The environment variable that names the broker.
    var brokerVariable: String { self == .celery ? "CELERY_BROKER_URL" : "BROKER" }
}

/// The settings of a Machinery application other than its broker. The environment variables have Machinery's names.
struct MachineryOptions: ParsableArguments {
    @Option(help: "Machinery: the default queue. Default: DEFAULT_QUEUE, or machinery_tasks.")
    var defaultQueue: String?

    @Option(help: "Machinery at RabbitMQ: the exchange. Default: AMQP_EXCHANGE, or machinery_exchange.")
    var exchange: String?

    @Option(help: "Machinery at RabbitMQ: the exchange's type. Default: AMQP_EXCHANGE_TYPE, or direct.")
    var exchangeType: String?

    @Option(help: "Machinery at RabbitMQ: the binding key. Default: AMQP_BINDING_KEY, or machinery_task.")
    var bindingKey: String?

    /// The default queue, by these options or the environment.
    var queueName: String { defaultQueue ?? CommandEnvironment()["DEFAULT_QUEUE"] ?? "machinery_tasks" }

    /// The application that these options and the environment describe.
    ///
    /// - Parameters:
    ///   - connection: its broker and its result store.
    ///   - claimTimeout: how long the claims of its workers last, in seconds; nil for the default.
    /// - Returns: an application that connects on first use.
    /// - Throws: `ValidationError` if no broker is named; `CeleriacError` with code `configuration` for an unusable
    ///   setting.
    func makeServer(_ connection: ConnectionOptions, claimTimeout: Double? = nil) throws -> MachineryServer {
        let environment = CommandEnvironment()
        var configuration = try MachineryConfiguration(environment: environment.all)
        let broker = try connection.brokerURL(or: "BROKER")
        configuration.broker = broker
        configuration.resultBackend = connection.resultBackend ?? environment["RESULT_BACKEND"] ?? broker
        configuration.defaultQueue = defaultQueue ?? configuration.defaultQueue
        if let claimTimeout { configuration.redis.claimTimeout = claimTimeout }
        if let exchange { configuration.amqp?.exchange = exchange }
        if let exchangeType { configuration.amqp?.exchangeType = exchangeType }
        if let bindingKey { configuration.amqp?.bindingKey = bindingKey }
        return try MachineryServer(configuration: configuration, logger: connection.logger())
    }
}
