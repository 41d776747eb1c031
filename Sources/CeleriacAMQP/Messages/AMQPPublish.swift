#if AMQP

public import CeleriacWire

/// A message to publish, and where to.
public struct AMQPPublish: Sendable {
    /// The exchange; empty for the default exchange, which routes to the queue that the routing key names.
    public var exchange: String
    /// The routing key.
    public var routingKey: String
    /// Whether the broker must return the message when no queue takes it, instead of dropping it.
    public var mandatory: Bool
    /// Headers, properties and body.
    public var message: WireMessage

    /// Makes a publish.
    public init(exchange: String = "", routingKey: String, mandatory: Bool = false, message: WireMessage) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.mandatory = mandatory
        self.message = message
    }
}

#endif
