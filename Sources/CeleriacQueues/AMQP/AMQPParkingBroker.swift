#if AMQP
package import CeleriacCore

package import struct FoundationEssentials.Date

/// A broker at RabbitMQ, as far as both dialects look after parked messages alike.
package protocol AMQPParkingBroker: ParkedMessageWalker, ParkedMessageKeeper {
    /// The messages parked from a queue.
    func parked(_ queue: String) -> AMQPParkedMessages
}

extension AMQPParkingBroker {
    /// Lists messages that were parked from a queue.
    package func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        try await parked(queue).list(after: id, limit: limit)
    }

    /// Looks once at all messages that were parked from a queue.
    package func walkParked(in queue: String, _ body: ([ParkedMessage]) -> Bool) async throws {
        try await parked(queue).walk { body([$0]) }
    }

    /// Puts parked messages back at the end of their queue.
    package func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await parked(queue).requeue(ids)
    }

    /// Deletes parked messages.
    package func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        try await parked(queue).drop(ids)
    }

    /// Drops the oldest parked messages.
    package func trimParked(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim {
        try await parked(queue).trim(to: policy, now: now)
    }

    /// Notes that failures are stored.
    package func markTold(_ ids: [String], in queue: String) async throws { try await parked(queue).markTold(ids) }
}
#endif
