public import CeleriacWire

/// What a result store holds of a task.
public struct TaskResult: Sendable, Hashable {
    /// The task's id.
    public var taskID: String
    /// Its state.
    public var state: TaskState
    /// The value for a success; what the handler stored for a state of its own; otherwise null.
    public var value: WireValue
    /// The error, for a failure, a retry and a revocation.
    public var error: RemoteTaskError?
    /// What the task sent: tasks and groups.
    public var children: [ResultReference]

    /// Whether the task has ended, and not well.
    var hasFailed: Bool { state.isFinal && state != .success }

    /// Makes a result.
    public init(
        taskID: String, state: TaskState, value: WireValue = .null, error: RemoteTaskError? = nil,
        children: [ResultReference] = []
    ) {
        self.taskID = taskID
        self.state = state
        self.value = value
        self.error = error
        self.children = children
    }
}
