import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

/// What a bridge must not forget of a task that it has forwarded: to whom its reply goes. It is a message in a queue at the
/// target's broker, published before the task, and held by whoever waits for the reply. So it outlives every bridge, and of
/// several bridges one has it.
struct BridgeNote: Sendable, Equatable {
    /// Tells it from another note about the same task; empty for a note that was written without.
    var key: String
    /// The id of the task at the target.
    var targetID: String
    /// The id of the task at the source; nil for a note that was written without.
    var sourceID: String?
    /// The ids of the tasks that the target runs after it by itself, in order.
    var following: [String] = []
    /// Until when the reply is awaited, in seconds since 1970.
    var deadline: Double
    /// Whether the message may have been forwarded before, so that there may be another note about it.
    var repeats: Bool
    /// The queue that the message came from.
    var queue: String
    /// The exchange that it was published to.
    var exchange: String
    /// The routing key that it was published with.
    var routingKey: String
    /// The message as it came.
    var message: WireMessage

    /// Notes a delivery.
    init(
        of delivery: Delivery, _ message: WireMessage, sourceID: String? = nil, targetID: String,
        following: [String] = [], deadline: Date
    ) {
        key = randomUUID()
        self.targetID = targetID
        self.sourceID = sourceID
        self.following = following
        self.deadline = deadline.timeIntervalSince1970
        repeats = delivery.redelivered
        queue = delivery.queue
        exchange = delivery.exchange
        routingKey = delivery.routingKey
        self.message = message
    }

    /// The note about the step that follows, which the source would have sent as this message; nil after the last step.
    func next(as outgoing: OutgoingMessage, deadline: Date) -> BridgeNote? {
        guard let targetID = following.first else { return nil }
        var next = self
        next.targetID = targetID
        next.sourceID = nil
        next.following.removeFirst()
        next.deadline = deadline.timeIntervalSince1970
        next.exchange = outgoing.exchange
        next.routingKey = outgoing.routingKey
        next.message = outgoing.message
        return next
    }

    /// The delivery as the dialect read it before.
    var delivery: Delivery {
        Delivery(
            content: .success(message), queue: queue, exchange: exchange, routingKey: routingKey, redelivered: repeats,
            receipt: Receipt(generation: 0, tag: 0))
    }
}

extension BridgeNote {
    /// The note as a message to a queue.
    ///
    /// - Throws: ``MessageFault`` with the reason `unnotable` if the message has what JSON cannot carry.
    func outgoing(to queue: String) throws(MessageFault) -> OutgoingMessage {
        let body: [UInt8]
        do {
            let envelope = try KombuEnvelope(
                message: message, exchange: exchange, routingKey: routingKey, deliveryTag: targetID
            ).encode()
            var object: WireObject = [
                "version": 1, "note": .string(key), "task": .string(targetID), "deadline": .double(deadline),
                "repeats": .bool(repeats), "following": .array(following.map { .string($0) }),
                "queue": .string(self.queue), "message": .string(String(decoding: envelope, as: UTF8.self)),
            ]
            if let sourceID { object["source"] = .string(sourceID) }
            body = try WireJSON.encode(.object(object))
        } catch {
            throw MessageFault(reason: "unnotable", detail: "the message cannot be noted: \(error)")
        }
        let properties = MessageProperties(
            contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2, correlationID: targetID)
        return OutgoingMessage(
            message: WireMessage(properties: properties, body: body), routingKey: queue, declaredQueue: queue)
    }

    /// Reads a note.
    ///
    /// - Throws: ``MessageFault`` with the reason `malformedNote`.
    init(_ message: WireMessage) throws(MessageFault) {
        // A note is longer than its message, which was within the limits when it came.
        var limits = WireLimits(maximumDepth: 1_000)
        limits.maximumMessageBytes *= 4
        do {
            let value = try WireJSON.decode(message.body, limits: limits)
            guard value["version"] == 1, let targetID = value["task"]?.stringValue, !targetID.isEmpty,
                let deadline = value["deadline"]?.doubleValue, let repeats = value["repeats"]?.boolValue,
                let queue = value["queue"]?.stringValue, let text = value["message"]?.stringValue
            else { throw MessageFault(reason: "malformedNote", detail: "it lacks a part") }
            let envelope = try KombuEnvelope.decode(Array(text.utf8), limits: limits)
            key = value["note"]?.stringValue ?? ""
            self.targetID = targetID
            sourceID = value["source"]?.stringValue
            following = value["following"]?.arrayValue?.compactMap(\.stringValue) ?? []
            self.deadline = deadline
            self.repeats = repeats
            self.queue = queue
            exchange = envelope.exchange
            routingKey = envelope.routingKey
            self.message = envelope.message
        } catch {
            throw MessageFault(reason: "malformedNote", detail: "the message is no note of a bridge: \(error)")
        }
    }
}
