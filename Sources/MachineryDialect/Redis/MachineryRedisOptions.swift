/// How Machinery's queues are kept in Redis.
public struct MachineryRedisOptions: Sendable {
    /// The set of tasks that wait for their time. All applications on a database share it unless they name others.
    public var delayedTasksKey: String
    /// How often a worker looks for tasks whose time has come. It moves all of them at once.
    public var delayedTasksPollPeriod: Duration
    /// How long a message may stay claimed without its claim being renewed before any Celeriac worker puts it back. A
    /// worker renews its claims while it holds them, so that tasks may take longer than this. Go workers know no claims.
    public var claimTimeout: Duration
    /// The queue to which a task goes that was delayed and names none.
    public var defaultQueue: String

    /// Makes options, by default Machinery's own.
    public init(
        delayedTasksKey: String = "delayed_tasks",
        delayedTasksPollPeriod: Duration = .milliseconds(500),
        claimTimeout: Duration = .seconds(60),
        defaultQueue: String = "machinery_tasks"
    ) {
        self.delayedTasksKey = delayedTasksKey
        self.delayedTasksPollPeriod = delayedTasksPollPeriod
        self.claimTimeout = claimTimeout
        self.defaultQueue = defaultQueue
    }
}
