#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire

import struct FoundationEssentials.Date

/// The headers that a parked message has besides its own.
enum ParkedHeader {
    static let reason = "x-celeriac-reason"
    static let detail = "x-celeriac-detail"
    static let queue = "x-celeriac-queue"
    static let worker = "x-celeriac-worker"
    static let time = "x-celeriac-time"
    static let id = "x-celeriac-id"
    static let isStored = "x-celeriac-failure-stored"
    /// The raw bytes of properties and headers that could not be read.
    static let properties = "x-celeriac-properties"
    /// What the message had that a parked one must not have.
    static let expiration = "x-celeriac-expiration"
    /// Where the message was published to.
    static let exchange = "x-celeriac-exchange"
    static let routingKey = "x-celeriac-routing-key"
    /// Marks what was published anew by one look at the queue.
    static let look = "x-celeriac-look"

    static let all = [
        reason, detail, queue, worker, time, id, isStored, properties, expiration, exchange, routingKey, look,
    ]
}

extension AMQPDelivery {
    /// Whether the body was too large to be received, so that there is nothing to park.
    var lacksBody: Bool { defect?.isBodyMissing == true }

    /// The message in its parked form: as it was before any worker moved it, plus headers that say why it was parked.
    func parked(for fault: MessageFault, queue: String, worker: String, time: String) -> WireMessage {
        let origin = MessageOrigin(message, in: queue)
        var parked = message.unmoved(queue: queue).uncounted().setAside()
        parked.headers[ParkedHeader.id] = .string(randomUUID())
        parked.headers[ParkedHeader.reason] = .string(fault.reason)
        parked.headers[ParkedHeader.detail] = .string(fault.detail)
        parked.headers[ParkedHeader.queue] = .string(queue)
        parked.headers[ParkedHeader.worker] = .string(worker)
        parked.headers[ParkedHeader.time] = .string(time)
        if let isStored = fault.failureIsStored { parked.headers[ParkedHeader.isStored] = .bool(isStored) }
        let isFromCompanion = routingKey == RedeliveredMessage.companion(of: queue)
        let (exchange, routingKey) =
            origin.map { ($0.exchange, $0.routingKey) } ?? (exchange, isFromCompanion ? queue : routingKey)
        if exchange != "" || routingKey != queue {
            parked.headers[ParkedHeader.exchange] = .string(exchange)
            parked.headers[ParkedHeader.routingKey] = .string(routingKey)
        }
        if let defect {
            // Unreadable headers are kept as the raw bytes that arrived.
            parked.headers[ParkedHeader.properties] = .bytes(defect.propertyBytes)
        }
        // A parked message must stay until somebody looks at it.
        if let expiration = parked.properties.expiration {
            parked.headers[ParkedHeader.expiration] = .string(expiration)
            parked.properties.expiration = nil
        }
        return parked
    }
}

extension ParkedMessage {
    /// Reads a delivery from the companion of a queue.
    init(_ delivery: AMQPDelivery, queue: String, date: (String) -> Date?) {
        let message = delivery.message
        func text(_ header: String) -> String? { message.headers[header]?.stringValue }
        let time = text(ParkedHeader.time)
        self.init(
            // Messages that earlier versions parked have no id of their own.
            id: text(ParkedHeader.id) ?? "\(message.properties.correlationID ?? "")@\(time ?? "")",
            queue: text(ParkedHeader.queue) ?? queue, message: message.body, reason: text(ParkedHeader.reason) ?? "",
            detail: text(ParkedHeader.detail) ?? "", time: time.flatMap(date), worker: text(ParkedHeader.worker) ?? "",
            failureIsStored: message.headers[ParkedHeader.isStored]?.boolValue)
        self = reading(message.unparked)
    }
}

extension WireMessage {
    /// A parked message as it came, but for headers that could not be read when it was parked.
    var unparked: WireMessage {
        var message = uncounted()
        message.properties.expiration = headers[ParkedHeader.expiration]?.stringValue
        for name in ParkedHeader.all { message.headers[name] = nil }
        return message.broughtBack()
    }

    /// A parked message as it goes back to its queue. What the broker would act on, or refuse, and where the message
    /// came from, stands in a header by which a worker sees it as it came. Nil if it cannot go back, because its headers
    /// could not be read.
    func putBack(to queue: String) -> WireMessage? {
        guard headers[ParkedHeader.properties] == nil else { return nil }
        let message = unparked
        let exchange = headers[ParkedHeader.exchange]?.stringValue ?? ""
        let routingKey = headers[ParkedHeader.routingKey]?.stringValue ?? queue
        let departure = MessageOrigin.departure(
            of: message, exchange: exchange, routingKey: routingKey, moves: 1, from: queue, to: .queue)
        var plain = departure
        plain.headers[MessageOrigin.header] = nil
        return plain == message && exchange == "" && routingKey == queue ? message : departure
    }

    /// The message as any user can publish it to one queue: what the broker would act on, or refuse, stands in headers
    /// of our own.
    fileprivate func setAside() -> WireMessage {
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
    private func broughtBack() -> WireMessage {
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

    /// A parked message to be published anew, so that its queue counts from the beginning.
    func renewed(by look: String) -> WireMessage {
        var message = uncounted()
        message.headers[ParkedHeader.look] = .string(look)
        return message
    }
}
#endif
