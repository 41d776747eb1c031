#if AMQP

public import CeleriacWire

/// A consumer that an ``AMQPConsumerSession`` starts each time it comes up.
public struct AMQPConsumption: Sendable, Hashable {
    /// The queue to consume.
    public var queue: String
    /// The consumer's name on its channel; when empty, the broker makes one.
    public var consumerTag: String
    /// Whether deliveries count as settled when they are sent.
    public var noAck: Bool
    /// Whether no other consumer may have the queue.
    public var exclusive: Bool
    /// Further arguments, for instance `x-priority`.
    public var arguments: WireObject

    /// Makes the description of a consumer.
    public init(
        queue: String, consumerTag: String = "", noAck: Bool = false, exclusive: Bool = false,
        arguments: WireObject = [:]
    ) {
        self.queue = queue
        self.consumerTag = consumerTag
        self.noAck = noAck
        self.exclusive = exclusive
        self.arguments = arguments
    }
}

#endif
