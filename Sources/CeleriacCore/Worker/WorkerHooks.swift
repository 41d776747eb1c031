/// What a worker calls around every run of a task.
public struct WorkerHooks: Sendable {
    /// Called before the handler.
    public var preTask: (@Sendable (TaskContext) async -> Void)?
    /// Called after the handler, whatever became of it.
    public var postTask: (@Sendable (TaskContext, Outcome) async -> Void)?
    /// Called when a handler threw, before ``postTask``, unless it asked for a retry.
    public var error: (@Sendable (TaskContext, any Error) async -> Void)?

    /// Makes hooks; none unless given.
    public init(
        preTask: (@Sendable (TaskContext) async -> Void)? = nil,
        postTask: (@Sendable (TaskContext, Outcome) async -> Void)? = nil,
        error: (@Sendable (TaskContext, any Error) async -> Void)? = nil
    ) {
        self.preTask = preTask
        self.postTask = postTask
        self.error = error
    }
}
