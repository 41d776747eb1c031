public import CeleriacWire

/// A message that a consumer received and that must be settled exactly once.
public struct Delivery: Sendable {
    /// The message, or why its envelope cannot be read.
    public var content: Result<WireMessage, MessageFault>
    /// The queue that it came from.
    public var queue: String
    /// The exchange that it was published to, as far as the transport tells.
    public var exchange: String
    /// The routing key that it was published with.
    public var routingKey: String
    /// Whether the broker says that it was delivered before.
    public var redelivered: Bool
    /// How often it was claimed before, as far as the transport counts; 0 for a first delivery.
    public var attempts: Int
    /// What to name when it is settled.
    public var receipt: Receipt

    /// Makes a delivery.
    public init(
        content: Result<WireMessage, MessageFault>,
        queue: String,
        exchange: String = "",
        routingKey: String? = nil,
        redelivered: Bool = false,
        attempts: Int = 0,
        receipt: Receipt
    ) {
        self.content = content
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey ?? queue
        self.redelivered = redelivered
        self.attempts = attempts
        self.receipt = receipt
    }
}
