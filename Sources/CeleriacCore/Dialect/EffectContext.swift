package import struct FoundationEssentials.Date

/// What a dialect may know of the worker when it turns an outcome into effects.
package struct EffectContext: Sendable {
    /// The worker's node name, `name@host`.
    package var nodeName: String
    /// The time of the outcome.
    package var now: Date
    /// Whether results of this task are wanted.
    package var storesResult: Bool
    /// The options under which the handler is registered.
    package var taskOptions: TaskOptions
    /// How long results are kept; nil for ever.
    package var resultExpiry: Duration?
    /// The tasks and groups that the handler has sent; the task's result names them.
    package var children: [ResultReference]
    /// The steps that one of the dialect's own tasks has left for the dialect to take with its outcome.
    package var ownSteps: [any NativeStep]
    /// The names of the error callbacks that this worker calls itself.
    package var errorHandlers: Set<String>
    /// How often this worker has given this message back because it does not know the task.
    package var timesGivenBack: Int
    /// How follow-up messages are published.
    package var publication: PublicationContext

    package init(
        nodeName: String, now: Date, storesResult: Bool, taskOptions: TaskOptions, resultExpiry: Duration?,
        children: [ResultReference] = [], ownSteps: [any NativeStep] = [], errorHandlers: Set<String> = [],
        timesGivenBack: Int = 0, publication: PublicationContext
    ) {
        self.nodeName = nodeName
        self.now = now
        self.storesResult = storesResult
        self.taskOptions = taskOptions
        self.resultExpiry = resultExpiry
        self.children = children
        self.ownSteps = ownSteps
        self.errorHandlers = errorHandlers
        self.timesGivenBack = timesGivenBack
        self.publication = publication
    }
}
