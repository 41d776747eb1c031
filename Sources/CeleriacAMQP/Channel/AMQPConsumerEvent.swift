#if AMQP

/// What a consumer is told.
public enum AMQPConsumerEvent: Sendable {
    /// Messages, in the order in which the broker sent them: those of one socket read together.
    case deliveries([AMQPDelivery])
    /// The broker cancelled the consumer (its queue is gone, or its node failed). Nothing follows.
    case cancelled
    /// The channel or its connection closed. Nothing follows; unsettled deliveries go back to the queue.
    case closed(AMQPError)
}

#endif
