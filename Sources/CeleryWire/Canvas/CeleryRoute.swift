/// Where a message goes, as the options of its signature say; what is nil is left to the application.
public struct CeleryRoute: Sendable, Hashable {
    /// The queue.
    public var queue: String?
    /// The exchange.
    public var exchange: String?
    /// The routing key.
    public var routingKey: String?
    /// The task by whose name the application routes it, where that is not the message's own.
    public var taskName: String?

    /// Makes a route.
    public init(
        queue: String? = nil, exchange: String? = nil, routingKey: String? = nil, taskName: String? = nil
    ) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        self.taskName = taskName
    }
}
