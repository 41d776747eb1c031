#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

package import struct FoundationEssentials.Date

/// The messages parked from one queue at RabbitMQ: its companion queue.
///
/// To look at a queue is to take its messages and to return them, so each look marks them as redelivered. A quorum
/// queue drops what has come back too often; such a message is published anew in time, at the end.
package struct AMQPParkedMessages: Sendable {
    private let client: AMQPClient
    private let broker: String
    private let queue: String
    private let date: @Sendable (String) -> Date?

    /// Creates a view of the messages parked from a queue.
    ///
    /// - Parameters:
    ///   - client: the client of the broker.
    ///   - broker: the broker's name, for errors.
    ///   - queue: the queue that they were taken from.
    ///   - date: reads the dialect's form of a point in time.
    package init(
        _ client: AMQPClient, at broker: String, queue: String, date: @escaping @Sendable (String) -> Date?
    ) {
        self.client = client
        self.broker = broker
        self.queue = queue
        self.date = date
    }

    /// As ``MessageBroker/parkedMessages(in:after:limit:)``.
    package func list(after id: String?, limit: Int) async throws -> [ParkedMessage] {
        var isPast = id == nil
        var found: [ParkedMessage] = []
        if limit <= 0 { return [] }
        try await walk { delivery, _ in
            let parked = ParkedMessage(delivery, queue: queue, date: date)
            if isPast { found.append(parked) }
            if parked.id == id { isPast = true }
            return found.count < limit ? .keep : .keepAndEnd
        }
        return found
    }

    /// As ``MessageBroker/requeueParked(_:in:)``. A message goes back before its parked copy is dropped.
    package func requeue(_ ids: [String]) async throws -> Int {
        var ids = Set(ids)
        var count = 0
        try await walk { delivery, client throws(AMQPError) in
            if ids.isEmpty { return .keepAndEnd }
            guard ids.remove(ParkedMessage(delivery, queue: queue, date: date).id) != nil,
                let message = delivery.message.unparked
            else { return .keep }
            try await client.publish(message, to: queue)
            count += 1
            return .drop
        }
        return count
    }

    /// As ``MessageBroker/dropParked(_:in:)``.
    package func drop(_ ids: [String]) async throws -> Int {
        var ids = Set(ids)
        var count = 0
        try await walk { delivery, _ in
            if ids.isEmpty { return .keepAndEnd }
            guard ids.remove(ParkedMessage(delivery, queue: queue, date: date).id) != nil else { return .keep }
            count += 1
            return .drop
        }
        return count
    }

    private enum Verdict {
        case keep, drop, keepAndEnd
    }

    /// Takes one message after the other until there is none, and returns those that are kept at the end, to where they
    /// were. It does not ask how many there are, since a quorum queue tells late of those that have just come back.
    private func walk(
        _ body: (AMQPDelivery, AMQPClient) async throws(AMQPError) -> Verdict
    ) async throws(CeleriacError) {
        let parked = AMQPClient.parkedQueue(queue)
        _ = try await client.lookAfter(broker) { channel throws(AMQPError) in
            var kept: [AMQPDelivery] = []
            defer { channel.nack(kept.map(\.deliveryTag), requeue: true) }
            var verdict = Verdict.keep
            while verdict != .keepAndEnd, let delivery = try await channel.get(queue: parked) {
                kept.append(delivery)
                verdict = try await body(delivery, client)
                if verdict == .drop { channel.ack([kept.removeLast().deliveryTag]) }
            }
            for (place, delivery) in kept.enumerated().reversed()
            where delivery.defect == nil && (delivery.deliveryCount ?? 0) >= RedeliveredMessage.mostReturns {
                try await client.publish(delivery.message.uncounted(), to: parked)
                channel.ack([kept.remove(at: place).deliveryTag])
            }
            return 0
        }
    }
}

extension AMQPClient {
    /// Publishes a message to a queue that must exist.
    fileprivate func publish(_ message: WireMessage, to queue: String) async throws(AMQPError) {
        let outcome = try await publish([AMQPPublish(routingKey: queue, mandatory: true, message: message)])
        if let error = outcome.first?.error { throw error }
    }
}

/// The headers that a parked message has besides its own.
private enum ParkedHeader {
    static let prefix = "x-celeriac-"
    static let reason = prefix + "reason"
    static let detail = prefix + "detail"
    static let queue = prefix + "queue"
    static let worker = prefix + "worker"
    static let time = prefix + "time"
    static let id = prefix + "id"
    static let properties = prefix + "properties"
    static let expiration = prefix + "expiration"
}

extension AMQPDelivery {
    /// Whether the body was too large to be received, so that there is nothing to park.
    var lacksBody: Bool { defect?.isBodyMissing == true }

    /// The message in its parked form: its own body, properties and headers, plus headers that say why it was parked.
    func parked(for fault: MessageFault, queue: String, worker: String, time: String) -> WireMessage {
        // It is parked as it came, and not as a worker published it anew since then.
        var parked = (MessageOrigin(message, in: queue)?.restored(message) ?? message).setAside()
        parked.headers[ParkedHeader.id] = .string(randomUUID())
        parked.headers[ParkedHeader.reason] = .string(fault.reason)
        parked.headers[ParkedHeader.detail] = .string(fault.detail)
        parked.headers[ParkedHeader.queue] = .string(queue)
        parked.headers[ParkedHeader.worker] = .string(worker)
        parked.headers[ParkedHeader.time] = .string(time)
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
    fileprivate init(_ delivery: AMQPDelivery, queue: String, date: (String) -> Date?) {
        let message = delivery.message
        func text(_ header: String) -> String? { message.headers[header]?.stringValue }
        let time = text(ParkedHeader.time)
        self.init(
            // Messages that earlier versions parked have no id of their own.
            id: text(ParkedHeader.id) ?? "\(message.properties.correlationID ?? "")@\(time ?? "")",
            queue: text(ParkedHeader.queue) ?? queue, message: message.body, reason: text(ParkedHeader.reason) ?? "",
            detail: text(ParkedHeader.detail) ?? "", time: time.flatMap(date), worker: text(ParkedHeader.worker) ?? "")
        self = reading(message.unparked ?? message)
    }
}

extension WireMessage {
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

    /// A parked message as it came, but for a header `CC`, with which the broker would send more copies, and for a
    /// user's name. Nil if its headers could not be read when it was parked.
    fileprivate var unparked: WireMessage? {
        guard headers[ParkedHeader.properties] == nil else { return nil }
        var message = uncounted()
        message.properties.expiration = headers[ParkedHeader.expiration]?.stringValue
        for name in headers.keys where name.hasPrefix(ParkedHeader.prefix) { message.headers[name] = nil }
        return message
    }
}
#endif
