#if AMQP

/// Keys of log metadata.
enum LogKey {
    static let broker = "amqp.broker"
    static let channel = "amqp.channel"
    static let error = "amqp.error"
    static let reason = "amqp.reason"
    static let delay = "amqp.delay_ms"
    static let generation = "amqp.generation"
}

#endif
