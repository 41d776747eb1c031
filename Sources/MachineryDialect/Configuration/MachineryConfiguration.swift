/// A Machinery application's settings, under Machinery's own names.
public struct MachineryConfiguration: Sendable {
    /// The broker's URL: `redis://`, `rediss://`, `redis+socket://`, `amqp://`, `amqps://`, `eager` or `memory`. Several
    /// AMQP URLs stand between ``multipleBrokerSeparator``s and are tried in turn.
    public var broker: String
    /// The URL of the lock of periodic tasks: `redis://…`; empty or `eager` for one in this process.
    public var lock: String
    /// What stands between several broker URLs; empty for one URL.
    public var multipleBrokerSeparator: String
    /// The queue of tasks that name none.
    public var defaultQueue: String
    /// The result backend's URL: `redis://` and its kin, `amqp://`, `amqps://`, `eager`, `memory` or `null`.
    public var resultBackend: String
    /// How long results are kept, in seconds; 0 for Machinery's hour.
    public var resultsExpireIn: Int
    /// Whether ``MachineryWorker/launch()`` leaves signals alone.
    public var noUnixSignals: Bool
    /// How queues are declared at RabbitMQ, where that is the broker or the result backend.
    public var amqp: MachineryAMQPOptions?
    /// How queues are kept in Redis.
    public var redis: MachineryRedisSettings
    /// What stands in the names of periodic tasks' locks: in Go the base name of the program's file, so that programs of
    /// other names do not exclude each other.
    public var programName: String

    /// Makes a configuration. Unlike Machinery's loaders it assumes no URLs.
    public init(
        broker: String,
        lock: String = "",
        multipleBrokerSeparator: String = "",
        defaultQueue: String = "machinery_tasks",
        resultBackend: String,
        resultsExpireIn: Int = 3600,
        noUnixSignals: Bool = false,
        amqp: MachineryAMQPOptions? = nil,
        redis: MachineryRedisSettings = MachineryRedisSettings(),
        programName: String = MachineryConfiguration.nameOfThisProgram
    ) {
        self.broker = broker
        self.lock = lock
        self.multipleBrokerSeparator = multipleBrokerSeparator
        self.defaultQueue = defaultQueue
        self.resultBackend = resultBackend
        self.resultsExpireIn = resultsExpireIn
        self.noUnixSignals = noUnixSignals
        self.amqp = amqp
        self.redis = redis
        self.programName = programName
    }

    /// The base name of this program's file.
    public static var nameOfThisProgram: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    }

    /// How long results are kept.
    public var resultExpiry: Duration { .seconds(resultsExpireIn > 0 ? resultsExpireIn : 3600) }
}
