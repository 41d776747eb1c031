#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire

/// How a message travels that has come back, where no result store counts how often it was begun.
///
/// The count travels in the message: a worker that would begin it moves it to the `.redelivered` companion of its
/// queue, with a header that counts the beginning. To be delivered there is to begin: workers take one message of that
/// queue at a time, and first. One that comes back there as well has begun, so it is moved again, with the next count.
/// The companion gives its messages back to the queue after a minute, where workers find them that do not know it.
enum RedeliveredMessage {
    /// The header that counts beginnings.
    static let attempts = "x-celeriac-attempts"
    /// How often a quorum queue may have a message come back before the message is published anew instead: RabbitMQ 4
    /// drops it after 20 times, begun or not.
    static let mostReturns = 10
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

    /// Whether the broker has delivered the message before. What a quorum queue counts says nothing of beginnings: it
    /// counts messages that were given back as well.
    var hasComeBack: Bool { redelivered || (deliveryCount ?? 0) > 0 }

    /// The message as it is published anew, with the `attempt`th counted beginning at hand, or the first one, which does
    /// not count, if that is 0.
    func moved(attempts: Int, from queue: String, to destination: MessageOrigin.Destination) -> WireMessage {
        var moved = MessageOrigin.departure(of: self, from: queue, to: destination)
        moved.headers[RedeliveredMessage.attempts] = nil
        if attempts > 0 { moved.headers[RedeliveredMessage.attempts] = .int(Int64(attempts)) }
        return moved
    }
}

extension WireMessage {
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
