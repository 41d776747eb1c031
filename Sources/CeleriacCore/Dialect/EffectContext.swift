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

    /// Makes a context.
    public init(
        nodeName: String, now: Date, storesResult: Bool, taskOptions: TaskOptions, resultExpiry: Duration?
    ) {
        self.nodeName = nodeName
        self.now = now
        self.storesResult = storesResult
        self.taskOptions = taskOptions
        self.resultExpiry = resultExpiry
    }
}
