/// Machinery's settings for Redis that have a meaning here. A Celeriac process uses few connections, so that those of
/// connection pools (`max_idle`, `max_active`, `max_idle_timeout`, `wait`) have none.
public struct MachineryRedisSettings: Sendable, Hashable {
    /// The set of tasks that wait for their time; empty for `delayed_tasks`. All applications on a database share it unless
    /// they name others.
    public var delayedTasksKey: String
    /// How often workers look for tasks whose time has come, in milliseconds; 0 for 500.
    public var delayedTasksPollPeriod: Int
    /// How long a connection may take, in seconds; 0 for the default.
    public var connectTimeout: Int
    /// How long an answer may take, in seconds; 0 for the default.
    public var readTimeout: Int
    /// The name that connections give themselves; empty for none.
    public var clientName: String
    /// How long a message may stay claimed without its claim being renewed, in seconds, before any Celeriac worker puts it
    /// back; 0 for 60. A worker renews its claims while it holds them, so that tasks may take longer than this. Go workers
    /// know no claims.
    public var claimTimeout: Double

    /// Makes settings, by default Machinery's own.
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

    /// From one look for due tasks to the next.
    var pollPeriod: Duration {
        max(.milliseconds(10), .milliseconds(delayedTasksPollPeriod > 0 ? delayedTasksPollPeriod : 500))
    }

    /// How long a claim stands without being renewed.
    var claimLifetime: Duration { max(.milliseconds(400), .seconds(claimTimeout > 0 ? min(claimTimeout, 1e9) : 60)) }
}
