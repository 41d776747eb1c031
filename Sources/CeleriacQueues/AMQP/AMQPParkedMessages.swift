#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

package import struct FoundationEssentials.Date

/// The messages parked from one queue at RabbitMQ: its companion queue.
///
/// To look at a queue is to take its messages and to return them, so each look marks them as redelivered, and whoever
/// looks at the same time does not see them. A quorum queue drops what has come back too often; such messages are
/// published anew in time.
package struct AMQPParkedMessages: Sendable {
    /// How often a quorum queue may have a message come back before it is published anew. RabbitMQ drops one that comes
    /// back more often than the queue's delivery limit allows, and that may be low.
    private static let mostReturns = 2

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
        try await walk { parked in
            if isPast { found.append(parked) }
            if parked.id == id { isPast = true }
            return found.count < limit
        }
        if let id, !isPast { throw CeleriacError.notParked(id, in: queue) }
        return found
    }

    /// Looks at all messages once, in order, until `body` returns false.
    package func walk(_ body: (ParkedMessage) -> Bool) async throws {
        try await visit { delivery in
            body(ParkedMessage(delivery, queue: queue, date: date)) ? .keep : .keepAndEnd
        }
    }

    /// As ``MessageBroker/requeueParked(_:in:)``. A message goes back before its parked copy is dropped.
    package func requeue(_ ids: [String]) async throws -> Int {
        let ids = Set(ids)
        var done: Set<String> = []
        try await visit { delivery throws(AMQPError) in
            let id = ParkedMessage(delivery, queue: queue, date: date).id
            guard ids.contains(id), delivery.defect == nil, let message = delivery.message.putBack(to: queue) else {
                return .keep
            }
            // A message is there twice if the connection was lost while it was parked or published anew.
            if done.insert(id).inserted { try await client.publish(message, to: queue) }
            return .drop
        }
        return done.count
    }

    /// As ``MessageBroker/dropParked(_:in:)``.
    package func drop(_ ids: [String]) async throws -> Int {
        let ids = Set(ids)
        var done: Set<String> = []
        try await visit { delivery in
            let id = ParkedMessage(delivery, queue: queue, date: date).id
            guard ids.contains(id) else { return .keep }
            done.insert(id)
            return .drop
        }
        return done.count
    }

    /// As ``ParkedMessageKeeper/trimParked(in:to:now:)``.
    package func trim(to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim {
        let parked = AMQPClient.parkedQueue(queue)
        var trim = ParkedTrim()
        trim.left = try await client.depth(of: parked, at: broker)
        // A look is not for nothing: it marks a message as redelivered.
        guard trim.left > 0, policy.age != nil || policy.limit.map({ trim.left > $0 }) ?? false else { return trim }
        do {
            var kept = 0
            defer { trim.left += kept }
            try await visit { delivery in
                if trim.isPartial { return .keepAndEnd }
                // Only what was behind this one when it came counts: a later count would include older messages that
                // somebody else has looked at and returned meanwhile, and this one would be dropped in their place.
                trim.left = delivery.messagesBehind + 1
                let message = ParkedMessage(delivery, queue: queue, date: date)
                let count = trim.dropped.count
                let goesOn = policy.admits(message, in: &trim, now: now)
                if trim.dropped.count > count { return .drop }
                trim.left -= 1
                kept += 1
                return goesOn ? .keep : .keepAndEnd
            }
        } catch {
            try trim.cutShort(by: error)
        }
        return trim
    }

    /// As ``ParkedMessageKeeper/markTold(_:in:)``. From the first of these messages, all that follow are published anew,
    /// so that their order stays.
    package func markTold(_ ids: [String]) async throws {
        var ids = Set(ids)
        try await visit { delivery in
            if ids.isEmpty { return .keepAndEnd }
            guard ids.remove(ParkedMessage(delivery, queue: queue, date: date).id) != nil else { return .keep }
            return .change { $0.headers[ParkedHeader.isStored] = .bool(true) }
        }
    }

    private enum Verdict {
        case keep, drop, keepAndEnd
        /// The message is published anew, changed.
        case change((inout WireMessage) -> Void)
    }

    /// Takes one message after the other until there is none, and returns those that are kept at the end, to where they
    /// were. It does not ask how many there are, since a quorum queue tells late of those that have just come back.
    ///
    /// From the first that has come back too often it publishes all that follow anew, so that their order stays.
    private func visit(
        _ body: (AMQPDelivery) async throws(AMQPError) -> Verdict
    ) async throws(CeleriacError) {
        let parked = AMQPClient.parkedQueue(queue)
        let look = randomUUID()
        _ = try await client.lookAfter(broker) { channel throws(AMQPError) in
            var kept: [UInt64] = []
            defer { channel.nack(kept, requeue: true) }
            var (isRenewing, isEnding) = (false, false)
            while !isEnding || isRenewing, let delivery = try await channel.get(queue: parked) {
                kept.append(delivery.deliveryTag)
                // The first that was published anew: the queue has gone round.
                if delivery.message.headers[ParkedHeader.look]?.stringValue == look { break }
                var message = delivery.message
                let verdict: Verdict = if isEnding { .keep } else { try await body(delivery) }
                switch verdict {
                case .keep: break
                case .keepAndEnd: isEnding = true
                case .drop:
                    channel.ack([kept.removeLast()])
                    continue
                case .change(let change):
                    // What could not be read cannot be published either.
                    guard delivery.defect == nil else { break }
                    change(&message)
                    isRenewing = true
                }
                isRenewing = isRenewing || (delivery.deliveryCount ?? 0) >= Self.mostReturns
                if isRenewing, delivery.defect == nil {
                    try await client.publish(message.renewed(by: look), to: parked)
                    channel.ack([kept.removeLast()])
                }
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
#endif
