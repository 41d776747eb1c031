import ArgumentParser
import Logging

/// What the verbs `worker` and `beat` have in common besides Celery's "Daemonization Options": a name, and a log.
struct NodeOptions: ParsableArguments {
    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: """
            The node name, for instance w1@%h. %h is the host name, %n its first part, %d the rest. Default: celery@%h, or \
            celerybeat@%h for a beat.
            """)
    var hostname: String?

    @Option(
        name: [.customShort("l", allowingJoined: true), .long],
        help: "DEBUG, INFO, WARNING, ERROR, CRITICAL or FATAL. Default: WARNING, or INFO for a beat.")
    var loglevel: LogLevel?

    @Option(help: "celery writes lines as Celery does, json one JSON object a line.")
    var logFormat = LogFormat.celery
}

/// A level of Python's logs.
struct LogLevel: ExpressibleByArgument, Hashable {
    /// The level of swift-log.
    let level: Logger.Level
    /// Python's name.
    let name: String

    static let info = LogLevel(level: .info, name: "INFO")
    static let warning = LogLevel(level: .warning, name: "WARNING")

    private static let all: [LogLevel] = [
        LogLevel(level: .debug, name: "DEBUG"), info, warning,
        LogLevel(level: .error, name: "ERROR"), LogLevel(level: .critical, name: "CRITICAL"),
        LogLevel(level: .critical, name: "FATAL"),
    ]

    private init(level: Logger.Level, name: String) {
        self.level = level
        self.name = name
    }

    init?(argument: String) {
        guard let known = Self.all.first(where: { $0.name == argument.uppercased() }) else { return nil }
        self = known
    }

    static var allValueStrings: [String] { all.map(\.name) }
}
