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
    /// The header of a message that goes back to its queue only to be rejected there, as the queue's dead-lettering
    /// says. Its value is the queue, and how often that had happened before.
    static let rejection = "x-celeriac-rejection"
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
}

extension WireMessage {
    /// The beginning that is at hand, counted from 1; 0 for a message that was never moved.
    var movedAttempts: Int { min(max(0, headers[RedeliveredMessage.attempts]?.intValue ?? 0), 1_000_000) }

    /// Whether a worker has published the message again, so that ``unmoved(queue:)`` has something to restore.
    var isMoved: Bool { headers[RedeliveredMessage.attempts] != nil }

    /// The message with which the `attempt`th counted beginning is at hand, or the first one, which does not count, if
    /// that is 0. Everything else is kept, except what the broker has written about its own doings.
    func moved(attempts: Int, queue: String) -> WireMessage {
        var moved = withoutCompanion(of: queue).uncounted().setAside()
        moved.headers[RedeliveredMessage.attempts] = .int(Int64(max(0, attempts)))
        return moved
    }

    /// The message as it was before it was moved.
    func unmoved(queue: String) -> WireMessage {
        var message = withoutCompanion(of: queue).broughtBack()
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

    /// The message without the broker's record that the companion gave it back.
    private func withoutCompanion(of queue: String) -> WireMessage {
        guard headers["x-first-death-queue"]?.stringValue == RedeliveredMessage.companion(of: queue) else {
            return self
        }
        var message = self
        for (name, _) in headers
        where name == "x-death" || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-") {
            message.headers[name] = nil
        }
        return message
    }

    // MARK: Publishing again

    /// The message as any user can publish it to one queue: what the broker would act on, or refuse, stands in headers
    /// of our own.
    func setAside() -> WireMessage {
        var message = self
        // With these headers, the broker would send copies back to the queues that the message came from.
        for name in ["CC", "BCC"] {
            if let value = message.headers[name] {
                message.headers[name] = nil
                message.headers["x-celeriac-\(name)"] = value
            }
        }
        // The broker refuses the name of any user but the one that publishes.
        if let user = message.properties.userID {
            message.headers["x-celeriac-user-id"] = .string(user)
            message.properties.userID = nil
        }
        return message
    }

    /// The message as it was before ``setAside()``.
    func broughtBack() -> WireMessage {
        var message = self
        for name in ["CC", "BCC"] {
            guard let value = message.headers["x-celeriac-\(name)"] else { continue }
            message.headers["x-celeriac-\(name)"] = nil
            message.headers[name] = value
        }
        if let user = message.headers["x-celeriac-user-id"]?.stringValue {
            message.headers["x-celeriac-user-id"] = nil
            message.properties.userID = user
        }
        return message
    }

    // MARK: Rejecting

    /// The message that goes back to its queue to be rejected there.
    func rejected(queue: String) -> WireMessage {
        var message = unmoved(queue: queue).moved(attempts: 0, queue: queue)
        message.headers[RedeliveredMessage.rejection] = [.string(queue), .int(Int64(message.rejections(from: queue)))]
        return message
    }

    /// Whether the message has come to its queue only to be rejected. If it comes there again later, because the
    /// queue's dead letters come back, it is a task again.
    func isToBeRejected(from queue: String) -> Bool {
        guard let rejection = headers[RedeliveredMessage.rejection]?.arrayValue, rejection.count == 2 else {
            return false
        }
        return rejection[0].stringValue == queue && rejection[1].intValue == rejections(from: queue)
    }

    /// How often the message was rejected from a queue, as the broker records it.
    private func rejections(from queue: String) -> Int {
        (headers["x-death"]?.arrayValue ?? []).reduce(0) { sum, death in
            guard death["queue"]?.stringValue == queue, death["reason"]?.stringValue == "rejected" else { return sum }
            return sum + max(1, min(death["count"]?.intValue ?? 1, 1_000_000))
        }
    }
}
#endif
