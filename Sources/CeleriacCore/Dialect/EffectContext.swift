public import struct FoundationEssentials.Date

/// What a dialect may know of the worker when it turns an outcome into effects.
public struct EffectContext: Sendable {
    /// The worker's node name, `name@host`.
    public var nodeName: String
    /// The time of the outcome.
    public var now: Date
    /// Whether results of this task are wanted.
    public var storesResult: Bool
    /// The options under which the handler is registered.
    public var taskOptions: TaskOptions
    /// How long results are kept; nil for ever.
    public var resultExpiry: Duration?
    /// What the handler has sent, for its result to name.
    public var children: [ResultReference]
    /// What a task of the dialect's own has left to be done with its outcome.
    public var ownSteps: [any Sendable]
    /// The error callbacks that this worker calls itself, by name.
    public var errorHandlers: Set<String>
    /// How what follows is published.
    public var publication: PublicationContext

    /// Makes a context.
    public init(
        nodeName: String, now: Date, storesResult: Bool, taskOptions: TaskOptions, resultExpiry: Duration?,
        children: [ResultReference] = [], ownSteps: [any Sendable] = [], errorHandlers: Set<String> = [],
        publication: PublicationContext
    ) {
        self.nodeName = nodeName
        self.now = now
        self.storesResult = storesResult
        self.taskOptions = taskOptions
        self.resultExpiry = resultExpiry
        self.children = children
        self.ownSteps = ownSteps
        self.errorHandlers = errorHandlers
        self.publication = publication
    }
}
