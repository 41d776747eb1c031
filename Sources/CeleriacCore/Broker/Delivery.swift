public import CeleriacWire

/// A message that a consumer received and that must be settled exactly once.
public struct Delivery: Sendable {
    /// The message, or the reason why its envelope cannot be read.
    public var content: Result<WireMessage, MessageFault>
    /// The queue that it came from.
    public var queue: String
    /// The exchange that it was published to; empty where the transport does not tell.
    public var exchange: String
    /// The routing key that it was published with; the queue's name where the transport does not tell.
    public var routingKey: String
    /// Whether the broker says that it was delivered before.
    public var redelivered: Bool
    /// How often it was begun after it had come back; 0 for a first delivery, and where nothing counts that.
    public var attempts: Int
    /// The handle by which the worker settles it.
    public var receipt: Receipt
    /// The parts of the message that can be read although ``content`` is a fault. They may say whose task it is.
    package var remains: WireMessage?
    /// Whether it counts as begun as soon as it is delivered, so that it should begin before others.
    package var comesFirst = false
    /// How often workers have moved the message to where the broker keeps it until its time.
    package var moves = 0

    /// Creates a delivery.
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

/// A consumer's handle on one delivery, by which the worker settles it.
///
/// Only the consumer that made a receipt can read it. The generation distinguishes deliveries of this connection from
/// those of an earlier one, where the broker numbers deliveries anew.
public struct Receipt: Sendable, Hashable {
    /// Which connection of the consumer delivered the message.
    public var generation: UInt64
    /// The number of the delivery in that generation.
    public var tag: UInt64

    /// Creates a receipt.
    public init(generation: UInt64, tag: UInt64) {
        self.generation = generation
        self.tag = tag
    }
}

/// How a delivery ends at the broker.
public struct Settlement: Sendable, Hashable {
    /// What becomes of the message.
    public enum Disposition: Sendable, Hashable {
        /// The message is done: the broker forgets it.
        case acknowledge
        /// The message is refused: the broker drops it, or dead-letters it where the queue says so. AMQP's
        /// `basic.reject`.
        case reject
        /// The message goes back to its queue, to be delivered again.
        case requeue
        /// The message moves to the queue's `.parked` companion, with the reason, for a person to look at.
        case park(MessageFault)
    }

    /// The delivery that ends.
    public var receipt: Receipt
    /// What becomes of it.
    public var disposition: Disposition

    /// Creates a settlement.
    public init(_ receipt: Receipt, _ disposition: Disposition) {
        self.receipt = receipt
        self.disposition = disposition
    }
}

/// Why a message cannot be run: a short name for programs and a sentence for a person.
public struct MessageFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// A short name of the kind of fault, for instance `undecodableBody`: what metrics and parked messages carry.
    public var reason: String
    /// What is wrong with the message. It does not contain the task's arguments.
    public var detail: String
    /// Whether it is stored that the message's task has failed when the message is parked; nil if nobody is to be told.
    package var failureIsStored: Bool?

    /// Creates a fault.
    public init(reason: String, detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// The reason and the detail.
    public var description: String { "\(reason): \(detail)" }
}
