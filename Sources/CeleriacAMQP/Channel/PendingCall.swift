#if AMQP

/// A method that was sent and whose answer is due. A channel's answers come in the order of the calls.
struct PendingCall {
    /// What the answer must be, and what to do with it.
    enum Kind {
        case reply(MethodID)
        case consume(noAck: Bool, onEvents: @Sendable ([AMQPConsumerEvent]) -> Void)
        case cancel(consumerTag: String)
        case get(noAck: Bool)
    }

    let kind: Kind
    /// Who waits; `nil` when nobody does.
    let waiter: Waiter?
}

#endif
