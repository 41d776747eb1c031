/// What a worker calls around every run of a task: functions at points of the run, and code around it.
public struct WorkerHooks: Sendable {
    /// Called before the handler.
    public var preTask: (@Sendable (TaskContext) async -> Void)?
    /// Called after the handler with the state in which the task has ended; with nil if the task is sent again or
    /// stores no state.
    public var postTask: (@Sendable (TaskContext, TaskState?) async -> Void)?
    /// Called before ``postTask`` when a handler threw an error that fails its task, also a ``Rejection`` whose message does
    /// not go back. It is not called for a handler that ended because it was cancelled.
    public var error: (@Sendable (TaskContext, any Error) async -> Void)?

    /// Code around each handler, the first outermost. A worker that an application makes has the application's around
    /// these.
    public var middleware: [any TaskMiddleware] = []

    /// Makes hooks; there are none by default.
    public init(
        preTask: (@Sendable (TaskContext) async -> Void)? = nil,
        postTask: (@Sendable (TaskContext, TaskState?) async -> Void)? = nil,
        error: (@Sendable (TaskContext, any Error) async -> Void)? = nil
    ) {
        self.preTask = preTask
        self.postTask = postTask
        self.error = error
    }
}
