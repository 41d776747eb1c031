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
    /// Whether a message without headers carries no table for them, as most clients send it, rather than an empty one as
    /// kombu does.
    public var omitsEmptyHeaders: Bool

    /// Makes a publish.
    public init(
        exchange: String = "", routingKey: String, mandatory: Bool = false, message: WireMessage,
        omitsEmptyHeaders: Bool = false
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.mandatory = mandatory
        self.message = message
        self.omitsEmptyHeaders = omitsEmptyHeaders
    }
}

#endif
