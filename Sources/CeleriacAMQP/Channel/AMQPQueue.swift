#if AMQP

/// What the broker says about a queue when it is declared.
public struct AMQPQueue: Sendable, Hashable {
    /// Its name; the broker's choice when the declaration gave none.
    public let name: String
    /// Messages that are ready to be delivered.
    public let messageCount: Int
    /// Its consumers.
    public let consumerCount: Int
}

#endif
