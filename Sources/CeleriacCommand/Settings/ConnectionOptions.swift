import ArgumentParser
import Celeriac
import Logging
import Metrics

/// The broker and the result store of a command.
struct ConnectionOptions: ParsableArguments {
    @OptionGroup var settings: SettingsOptions

    @Flag(name: .shortAndLong, help: "Log connection events on standard error.")
    var verbose = false

    /// The broker's URL, as the settings have it, or for another dialect the environment under `name`.
    func brokerURL(or name: String = DialectName.celery.brokerVariable) throws -> String {
        let isCelery = name == DialectName.celery.brokerVariable
        guard let url = try settings.broker ?? (isCelery ? settings.read().broker : CommandEnvironment()[name]) else {
            throw ValidationError(
                "Specify the broker: --broker URL, \(isCelery ? "broker_url of a --config file, " : "")or \(name) in the environment."
            )
        }
        return url
    }

    /// The result store's URL, as the settings have it; nil if they name none.
    func resultURL() throws -> String? { try settings.read().results }

    /// The queue of tasks that name none.
    func defaultQueue() throws -> String { try settings.read().configuration.defaultQueue }

    /// The application that the settings describe.
    ///
    /// - Parameters:
    ///   - logger: Its logger; nil for one that writes errors to standard error, or more with `--verbose`.
    ///   - keepsResults: Whether it has a result store.
    ///   - metrics: Where it counts; nil for the metrics system of the process.
    ///   - patience: How long connecting to the broker may take where the settings do not say; nil for the usual times.
    /// - Returns: An application that connects on first use.
    /// - Throws: `ValidationError` if no broker is named; `CeleriacError` with code `configuration` for an unusable
    ///   URL.
    func makeApp(
        logger: Logger? = nil, keepsResults: Bool = true, metrics: (any MetricsFactory)? = nil,
        patience: Duration? = nil
    ) throws -> CeleryApp {
        var settings = try settings.read()
        settings.broker = try brokerURL()
        if !keepsResults { settings.results = nil }
        settings.configuration.metrics = metrics
        settings.configuration.readsRepliesOfAllForms = true
        if let patience { settings.limitConnecting(to: patience) }
        return try CeleryApp(
            settings: settings, transports: ProgramContext.current.transports, logger: logger ?? self.logger())
    }

    /// Creates the logger of a command's connections.
    ///
    /// - Parameter level: The least severe level to log without `--verbose`.
    /// - Returns: A logger that writes to standard error.
    func logger(_ level: Logger.Level = .error) -> Logger {
        Self.logger(verbose ? .debug : level)
    }

    /// Creates a logger that writes messages from a level on to standard error, in the form of a worker's log.
    static func logger(_ level: Logger.Level) -> Logger {
        LogFormat.celery.logger(to: .standardError, from: level)
    }
}

/// A dialect, as the command line names it.
enum DialectName: String, ExpressibleByArgument {
    case celery, machinery

    /// The environment variable that names the broker.
    var brokerVariable: String { self == .celery ? "CELERY_BROKER_URL" : "BROKER" }
}
