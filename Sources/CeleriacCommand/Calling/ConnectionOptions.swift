import ArgumentParser
import Celeriac
import Logging

/// Which broker and which result store a command uses.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "The broker's URL: redis://, rediss://, amqp://, amqps:// or filesystem://. Default: CELERY_BROKER_URL.")
    var broker: String?

    @Option(
        help: "The result store's URL: redis://, rpc:// or file://. Default: CELERY_RESULT_BACKEND.")
    var resultBackend: String?

    @Flag(name: .shortAndLong, help: "Say on standard error what happens on the connections.")
    var verbose = false

    /// The application that these options describe.
    ///
    /// - Parameter level: what is told on standard error unless more is asked for.
    func makeApp(logging level: Logger.Level = .error) throws -> CeleryApp {
        let environment = CommandEnvironment()
        guard let broker = broker ?? environment["CELERY_BROKER_URL"] else {
            throw ValidationError("Name the broker: --broker URL, or CELERY_BROKER_URL in the environment.")
        }
        return try CeleryApp(
            broker: broker, results: resultBackend ?? environment["CELERY_RESULT_BACKEND"],
            logger: logger(level))
    }

    /// Where a command's connections say what happens.
    ///
    /// - Parameter level: what is told unless more is asked for.
    func logger(_ level: Logger.Level = .error) -> Logger {
        var logger = Logger(label: "celeriac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : level
        return logger
    }
}
