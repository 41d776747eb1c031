/// Machinery's settings for Redis that have a meaning here. A Celeriac process uses few connections, so that those of
/// connection pools (`max_idle`, `max_active`, `max_idle_timeout`, `wait`) have none.
public struct MachineryRedisSettings: Sendable, Hashable {
    /// The set of tasks that wait for their time; empty for `delayed_tasks`.
    public var delayedTasksKey: String
    /// How often workers look for tasks whose time has come, in milliseconds; 0 for 500.
    public var delayedTasksPollPeriod: Int
    /// How long a connection may take, in seconds; 0 for the default.
    public var connectTimeout: Int
    /// How long an answer may take, in seconds; 0 for the default.
    public var readTimeout: Int
    /// The name that connections give themselves; empty for none.
    public var clientName: String
    /// How long a message may stay claimed by a Celeriac worker that is gone, in seconds, before another puts it back.
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

    /// The options of a broker.
    public func options(defaultQueue: String) -> MachineryRedisOptions {
        MachineryRedisOptions(
            delayedTasksKey: delayedTasksKey.isEmpty ? "delayed_tasks" : delayedTasksKey,
            delayedTasksPollPeriod: .milliseconds(delayedTasksPollPeriod > 0 ? delayedTasksPollPeriod : 500),
            claimTimeout: .seconds(claimTimeout > 0 ? claimTimeout : 60), defaultQueue: defaultQueue)
    }
}
