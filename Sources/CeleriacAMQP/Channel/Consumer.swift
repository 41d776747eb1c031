#if AMQP

/// One consumer of a channel. Confined to the connection's actor.
final class Consumer {
    let tag: String
    let noAck: Bool
    /// Who is told; `nil` when the caller gave up before the broker confirmed the consumer.
    let onEvents: (@Sendable ([AMQPConsumerEvent]) -> Void)?
    /// Deliveries of the current socket read.
    private var pending: [AMQPDelivery] = []

    init(tag: String, noAck: Bool, onEvents: (@Sendable ([AMQPConsumerEvent]) -> Void)?) {
        self.tag = tag
        self.noAck = noAck
        self.onEvents = onEvents
    }

    /// Takes a delivery.
    ///
    /// - Returns: Whether it is the first of this read.
    func take(_ delivery: AMQPDelivery) -> Bool {
        pending.append(delivery)
        return pending.count == 1
    }

    /// Tells the owner what is pending, and then the last thing there is to tell, if any.
    func deliver(last: AMQPConsumerEvent? = nil) {
        var events: [AMQPConsumerEvent] = []
        if !pending.isEmpty {
            events.append(.deliveries(pending))
            pending = []
        }
        if let last { events.append(last) }
        if !events.isEmpty { onEvents?(events) }
    }
}

#endif
