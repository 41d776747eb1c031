public import CeleriacWire

/// The JSON object in which kombu carries a message over transports that have no properties of their own: Redis lists and
/// channels, files, SQL rows.
public struct KombuEnvelope: Sendable, Hashable {
    /// The message: headers, properties and body, as AMQP would carry them.
    public var message: WireMessage
    /// The exchange the message was published to; empty for the default exchange.
    public var exchange: String
    /// The routing key it was published with; on the default exchange, the name of the queue.
    public var routingKey: String
    /// The key under which Redis workers keep the message until it is acknowledged. It must be unique per queue.
    public var deliveryTag: String
    /// How the body stands in the envelope.
    public var bodyEncoding: KombuBodyEncoding
    /// Whether the message was delivered before and given back.
    public var redelivered: Bool

    /// Makes an envelope to publish.
    public init(
        message: WireMessage,
        exchange: String = "",
        routingKey: String,
        deliveryTag: String,
        bodyEncoding: KombuBodyEncoding = .base64,
        redelivered: Bool = false
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.deliveryTag = deliveryTag
        self.bodyEncoding = bodyEncoding
        self.redelivered = redelivered
    }

    /// The priority as kombu's virtual transports clamp it: 0 to 9, and 0 where the message has none. On Redis the lower
    /// number is served first.
    public var priority: Int {
        min(Int(message.properties.priority ?? 0), 9)
    }
}
