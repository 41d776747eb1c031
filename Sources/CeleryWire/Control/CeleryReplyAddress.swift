/// Where the reply to a remote control request goes.
public struct CeleryReplyAddress: Sendable, Hashable {
    /// The direct exchange, `reply.celery.pidbox`.
    public var exchange: String
    /// The routing key: the asker's id.
    public var routingKey: String

    /// Makes an address.
    public init(exchange: String, routingKey: String) {
        self.exchange = exchange
        self.routingKey = routingKey
    }
}
