public import CeleriacCore
package import Tracing

/// A Machinery application's settings, under Machinery's own names.
public struct MachineryConfiguration: Sendable {
    /// The broker's URL: `redis://`, `rediss://`, `redis+socket://`, `valkey://`, `valkeys://`, `amqp://`, `amqps://`,
    /// `eager` or `memory`. There may be several AMQP URLs, separated by ``multipleBrokerSeparator``; they are tried in
    /// turn. A URL of Redis may have several hosts: see ``MachineryRedisSettings/clusterEnabled``.
    public var broker: String
    /// The URL of the lock of periodic tasks: `redis://…`; empty or `eager` for a lock within this process.
    public var lock: String
    /// The text that separates several broker URLs; empty if there is one URL.
    public var multipleBrokerSeparator: String
    /// The queue of tasks whose sender names no queue.
    public var defaultQueue: String
    /// The result backend's URL: `redis://` and its kin, `amqp://`, `amqps://`, `eager`, `memory` or `null`.
    public var resultBackend: String
    /// How long results are kept, in seconds; 0 for Machinery's hour.
    public var resultsExpireIn: Int
    /// Whether a worker's `launch()` ignores SIGINT and SIGTERM.
    public var noUnixSignals: Bool
    /// How queues are declared at RabbitMQ, if that is the broker or the result backend.
    public var amqp: MachineryAMQPOptions?
    /// How queues are kept in Redis.
    public var redis: MachineryRedisSettings
    /// How often a worker gives back a message whose task it does not know before it parks the message in
    /// `<queue>.parked`; nil, as in Machinery, for ever, and in eager mode three times.
    public var unregisteredAttempts: Int?
    /// The program's name in the locks of periodic tasks. In Go it is the base name of the program's file, so that
    /// programs with different names do not exclude each other.
    public var programName: String
    /// Tells user and password for each new connection to Redis, instead of those in URLs, so that they can change while
    /// the process runs. A connection waits for the answer no longer than for its server, and is tried again if there is
    /// an error. Sentinels have a login of their own.
    public var redisCredentials: (@Sendable () async throws -> (user: String?, password: String))?
    /// Code of yours around each send of the application and each run of its workers, the first outermost.
    public var middleware: [any TaskMiddleware] = []
    /// Whether messages say when they were sent, in the header `timestamp_in_ms`, so that workers can measure how long
    /// tasks waited in their queue. Go's workers pass the header on.
    public var stampsSendTimes = false
    /// How long connecting may take where neither the settings nor a URL say it; nil for the usual times.
    package var patience: Duration?
    /// What makes spans; nil for what the process has when the application is made.
    package var tracer: (any Tracer)?
    /// What a loader found that has no effect, a sentence each.
    package var notices: [String] = []

    /// Creates a configuration. Unlike Machinery's loaders, it has no default URLs.
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
        unregisteredAttempts: Int? = nil,
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
        self.unregisteredAttempts = unregisteredAttempts
        self.programName = programName
    }

    /// The base name of the running program's file.
    public static var nameOfThisProgram: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    }

    /// How long results are kept: ``resultsExpireIn``, or an hour if that is 0.
    package var resultExpiry: Duration { .seconds(resultsExpireIn > 0 ? resultsExpireIn : 3600) }
}

/// Machinery's settings for Redis, except those that have no effect here: of connection pools (`max_idle`, `max_active`,
/// `max_idle_timeout`, `wait`), because a Celeriac process uses few connections and has no pools, `write_timeout` and
/// `normal_tasks_poll_period`.
public struct MachineryRedisSettings: Sendable, Hashable {
    /// The key of the set of tasks that wait for their time; empty for `delayed_tasks`.
    public var delayedTasksKey: String
    /// How often workers look for tasks whose time has come, in milliseconds; 0 for 500.
    public var delayedTasksPollPeriod: Int
    /// How long connecting may take, in seconds; 0 for the default.
    public var connectTimeout: Int
    /// How long an answer may take, in seconds; 0 for the default.
    public var readTimeout: Int
    /// The client name of connections (`CLIENT SETNAME`); empty for no name.
    public var clientName: String
    /// How long a message may stay claimed without its claim being renewed, in seconds, before any Celeriac worker puts
    /// it back; 0 for 60. A worker renews its claims while it holds them, so tasks may take longer. Go workers have no
    /// claims.
    public var claimTimeout: Double
    /// The name of a primary that Redis Sentinel watches: Machinery's `master_name`. The hosts in the URLs of broker,
    /// result backend and lock are then sentinels, several separated by commas; each connection asks them for the
    /// primary. Empty if the URLs name servers.
    public var masterName = ""
    /// The sentinels' own password; empty for none. Their user is the default one.
    public var sentinelPassword = ""
    /// Whether broker, result backend and lock are nodes of a Redis Cluster: Machinery's `cluster_enabled`. Several hosts in
    /// a URL, separated by commas, are so without it, unless ``masterName`` is set.
    public var clusterEnabled = false

    /// Creates settings, with Machinery's defaults.
    public init(
        delayedTasksKey: String = "delayed_tasks",
        delayedTasksPollPeriod: Int = 500,
        connectTimeout: Int = 0,
        readTimeout: Int = 0,
        clientName: String = "",
        claimTimeout: Double = 60
    ) {
        self.delayedTasksKey = delayedTasksKey
        self.delayedTasksPollPeriod = delayedTasksPollPeriod
        self.connectTimeout = connectTimeout
        self.readTimeout = readTimeout
        self.clientName = clientName
        self.claimTimeout = claimTimeout
    }

    // MARK: As a broker uses them

    /// The key of the set of delayed tasks.
    var delayedTasks: String { delayedTasksKey.isEmpty ? "delayed_tasks" : delayedTasksKey }

    /// The time between two looks for due tasks.
    var pollPeriod: Duration {
        max(.milliseconds(10), .milliseconds(delayedTasksPollPeriod > 0 ? delayedTasksPollPeriod : 500))
    }

    /// How long a claim lasts without being renewed.
    var claimLifetime: Duration { max(.milliseconds(400), .seconds(claimTimeout > 0 ? min(claimTimeout, 1e9) : 60)) }
}
