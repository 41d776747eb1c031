/// The state of a task as result backends keep it.
public struct MachineryTaskState: Sendable, Hashable {
    /// The task's id.
    public var taskUUID: String
    /// The task's name. The AMQP backend keeps it in the first state only.
    public var taskName: String
    /// `PENDING`, `RECEIVED`, `STARTED`, `RETRY`, `SUCCESS` or `FAILURE`.
    public var state: String
    /// The results of a success, an empty list where the task returns none; nil for any other state.
    public var results: [MachineryResult]?
    /// What went wrong, for a failure.
    public var error: String
    /// When the task was last sent.
    public var createdAt: GoTime
    /// Seconds since 1970 at which DynamoDB drops the state; 0 elsewhere.
    public var ttl: Int

    /// Makes a state.
    public init(
        taskUUID: String, taskName: String = "", state: String, results: [MachineryResult]? = nil, error: String = "",
        createdAt: GoTime = .zero, ttl: Int = 0
    ) {
        self.taskUUID = taskUUID
        self.taskName = taskName
        self.state = state
        self.results = results
        self.error = error
        self.createdAt = createdAt
        self.ttl = ttl
    }

    /// Whether no other state follows.
    public var isCompleted: Bool { state == "SUCCESS" || state == "FAILURE" }
}
