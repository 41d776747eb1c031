public import CeleriacWire

public import struct FoundationEssentials.Date

/// A message and where it goes.
public struct OutgoingMessage: Sendable, Hashable {
    /// The message.
    public var message: WireMessage
    /// The exchange; empty for the default exchange, whose routing keys are queue names.
    public var exchange: String
    /// The routing key. On the default exchange this is the name of the queue.
    public var routingKey: String
    /// The queue that must exist before the message is sent, so that a task sent before its worker's first start
    /// waits instead of vanishing; nil where the receiver makes its own queue (replies).
    public var declaredQueue: String?
    /// The time before which the broker is not to deliver it, in dialects whose topology holds messages back; nil for at
    /// once. Brokers that hold nothing back deliver it, and the worker waits.
    public var notBefore: Date?

    /// Makes a message for `routingKey` on `exchange`.
    public init(
        message: WireMessage, exchange: String = "", routingKey: String, declaredQueue: String? = nil,
        notBefore: Date? = nil
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.declaredQueue = declaredQueue
        self.notBefore = notBefore
    }
}
