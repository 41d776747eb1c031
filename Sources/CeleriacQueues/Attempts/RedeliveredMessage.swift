#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire

/// How a message travels that has come back, where no result store counts how often it was begun.
///
/// The count travels in the message: a worker that would begin it moves it to the `.redelivered` companion of its
/// queue, with a header that counts the beginning. To be delivered there is to begin: workers take one message of that
/// queue at a time, and first. One that comes back there as well has begun, so it is moved again, with the next count.
/// The companion gives its messages back to the queue after a minute, where workers find them that do not know it. A
/// worker that does not begin a message gives it back there as well. In the queue the beginning that the header counts
/// is at hand.
enum RedeliveredMessage {
    /// The header that counts beginnings.
    static let attempts = "x-celeriac-attempts"
    /// How often a quorum queue may have a message come back before the message is published anew instead of given
    /// back: the queue drops it beyond its delivery limit, begun or not. RabbitMQ 4 has one of 20 unless set.
    static let mostReturns = 2
    /// How often a quorum queue may have delivered a message, which its workers did not live to begin, before the message is
    /// published anew: half of the limit that RabbitMQ 4 has.
    static let mostDeliveries = 10
    /// How long a message waits in the companion for a worker that knows it, in milliseconds.
    static let patience: Int64 = 60_000

    /// The companion of a queue.
    static func companion(of queue: String) -> String { queue.companion(".redelivered") }

    /// The arguments with which the companion is declared. It is as safe as its queue.
    static func arguments(of queue: String, isQuorum: Bool) -> WireObject {
        var arguments: WireObject = [
            "x-message-ttl": .int(patience), "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": .string(queue),
        ]
        if isQuorum {
            arguments["x-queue-type"] = "quorum"
            arguments["x-dead-letter-strategy"] = "at-least-once"
            arguments["x-overflow"] = "reject-publish"
        }
        return arguments
    }
}

extension String {
    /// The name of a companion of the queue of this name, cut to the 255 bytes that AMQP allows.
    func companion(_ suffix: String) -> String {
        var name = self
        while name.utf8.count + suffix.utf8.count > 255 { name.removeLast() }
        return name + suffix
    }
}

extension AMQPDelivery {
    /// How often a quorum queue has delivered the message before; nil for other queues, and for a first delivery.
    var deliveryCount: Int? { message.headers["x-delivery-count"]?.intValue }

    /// Whether the message came from a quorum queue, as one that has come back says: RabbitMQ 4.3 counts only in
    /// `x-acquired-count` what was given back.
    var isFromQuorumQueue: Bool { deliveryCount != nil || message.headers["x-acquired-count"] != nil }

    /// Whether a quorum queue has delivered the message so often that it is to be published anew.
    var isWorn: Bool { defect == nil && (deliveryCount ?? 0) >= RedeliveredMessage.mostDeliveries }

    /// Whether the broker has delivered the message before. What a quorum queue counts says nothing of beginnings: it
    /// counts messages that were given back as well.
    var hasComeBack: Bool { redelivered || (deliveryCount ?? 0) > 0 }

    /// The message as it is published anew, with the `attempt`th counted beginning at hand, or, if that is 0, the first
    /// one, which does not count.
    func moved(attempts: Int, from queue: String, to destination: MessageOrigin.Destination) -> WireMessage {
        var moved = MessageOrigin.departure(of: self, from: queue, to: destination)
        moved.headers[RedeliveredMessage.attempts] = nil
        if attempts > 0 { moved.headers[RedeliveredMessage.attempts] = .int(Int64(attempts)) }
        return moved
    }
}

extension WireMessage {
    /// Whether it has a header that a worker or the broker may have added. All those begin with `x-`.
    var isMarked: Bool { headers.hasKey(beginningWith: "x-") }

    /// The beginning that is at hand, counted from 1; 0 for a message that was never moved.
    var movedAttempts: Int { min(max(0, headers[RedeliveredMessage.attempts]?.intValue ?? 0), 1_000_000) }

    /// The message as it was before a worker published it anew.
    func unmoved(queue: String) -> WireMessage {
        var message = MessageOrigin(self, in: queue)?.restored(self) ?? self
        message.headers[RedeliveredMessage.attempts] = nil
        return message
    }

    /// The message without what a quorum queue has counted of it.
    func uncounted() -> WireMessage {
        var message = self
        message.headers["x-delivery-count"] = nil
        message.headers["x-acquired-count"] = nil
        return message
    }
}
#endif
