#if AMQP

/// What a consumer says about deliveries.
enum ChannelSettlement: Sendable {
    case ack([UInt64])
    case nack([UInt64], requeue: Bool)
    case reject(UInt64, requeue: Bool)
}

#endif
