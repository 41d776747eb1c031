/// How a delivery ends at the broker.
public struct Settlement: Sendable, Hashable {
    /// What becomes of the message.
    public enum Disposition: Sendable, Hashable {
        /// Done: the broker forgets it.
        case acknowledge
        /// Not wanted here: dropped, or dead-lettered where the queue says so. AMQP's `basic.reject`.
        case reject
        /// Back to its queue, to be delivered again.
        case requeue
        /// Kept aside in the queue's `.parked` companion, with the reason, for a person to look at.
        case park(MessageFault)
    }

    /// Which delivery.
    public var receipt: Receipt
    /// What becomes of it.
    public var disposition: Disposition

    /// Makes a settlement.
    public init(_ receipt: Receipt, _ disposition: Disposition) {
        self.receipt = receipt
        self.disposition = disposition
    }
}
