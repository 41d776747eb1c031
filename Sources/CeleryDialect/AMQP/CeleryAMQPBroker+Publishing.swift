#if AMQP
import CeleriacAMQP
package import CeleriacCore

import struct FoundationEssentials.Date

extension CeleryAMQPBroker {
    /// Publishes with confirms; returns when the broker has taken all messages.
    ///
    /// Where the application has quorum queues, messages with a time wait in the levels of ``NativeDelay``.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` if the broker
    ///   took some of the messages.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        let departures: [Int: DelayedDeparture]
        do throws(AMQPError) {
            departures = try await self.departures(of: messages)
        } catch {
            var failures = AMQPPublishFailures()
            for index in messages.indices { failures.add(error, at: index, isAnswer: false) }
            return try failures.check(of: messages.count, at: name)
        }
        let publishes = messages.enumerated().map { index, message in
            departures[index]?.publish(message) ?? AMQPPublish(message)
        }
        let failures = await client.publish(publishes) { indices, anew throws(AMQPError) in
            let queues = Set(indices.compactMap { messages[$0].declaredQueue })
            if anew { declared.withLockedValue { $0.subtract(queues) } }
            try await declare(queues)
            let routes = indices.compactMap { departures[$0]?.route }
            if routes.isEmpty { return }
            if anew { topology.forgetDelays() }
            try await declareDelays(of: routes)
        }
        try failures.check(of: messages.count, at: name)
    }

    private func declare(_ queues: Set<String>) async throws(AMQPError) {
        let undeclared = declared.withLockedValue { queues.subtracting($0) }
        guard !undeclared.isEmpty else { return }
        let connection = try await client.connection()
        for queue in undeclared.sorted() { try await topology.declare(queue, on: connection) }
        declared.withLockedValue { $0.formUnion(undeclared) }
    }

    // MARK: Delays

    /// Which messages go to the levels. The others are sent at once, and workers wait for their times.
    private func departures(of messages: [OutgoingMessage]) async throws(AMQPError) -> [Int: DelayedDeparture] {
        var departures: [Int: DelayedDeparture] = [:]
        for (index, message) in messages.enumerated() where message.notBefore != nil {
            departures[index] = DelayedDeparture(message, in: topology.queues)
        }
        if departures.isEmpty || topology.delays.withLockedValue({ $0.areRefused }) { return [:] }
        do throws(AMQPError) {
            try await declare(Set(departures.keys.compactMap { messages[$0].declaredQueue }))
            try await declareDelays(of: departures.values.map(\.route))
        } catch {
            guard error.isRefusalOfDelays else { throw error }
            topology.refuseDelays(error)
            return [:]
        }
        return departures
    }

    /// Makes sure that messages come back from the levels. A queue that does not exist is bound by its worker.
    private func declareDelays(of routes: [NativeDelayRoute]) async throws(AMQPError) {
        let known = topology.delays.withLockedValue { $0 }
        var queues: [String: TaskQueue] = [:]
        for queue in routes.flatMap(\.queues) where !known.queues.contains(queue.name) { queues[queue.name] = queue }
        if known.areDeclared, queues.isEmpty { return }
        let connection = try await client.connection()
        var existing: [TaskQueue] = []
        for (name, queue) in queues.sorted(by: { $0.key < $1.key }) {
            var exists = declared.withLockedValue { $0.contains(name) }
            if !exists { exists = try await connection.hasQueue(name) }
            if exists { existing.append(queue) }
        }
        try await topology.declareDelays(for: existing, on: connection)
    }
}

/// A message on its way to the levels of ``NativeDelay``.
private struct DelayedDeparture {
    let route: NativeDelayRoute
    let routingKey: String

    /// Nil for a message that has to be sent at once.
    init?(_ message: OutgoingMessage, in table: QueueTable, now: Date = Date()) {
        guard let delay = message.notBefore.flatMap({ NativeDelay.delay(before: $0.timeIntervalSince(now)) }),
            let route = NativeDelayRoute(exchange: message.exchange, routingKey: message.routingKey, in: table),
            let routingKey = NativeDelay.routingKey(delay: delay, key: route.key)
        else { return nil }
        self.route = route
        self.routingKey = routingKey
    }

    func publish(_ message: OutgoingMessage) -> AMQPPublish {
        AMQPPublish(
            exchange: NativeDelay.entry, routingKey: routingKey, mandatory: true, message: message.message)
    }
}

extension AMQPPublish {
    /// Makes a message that the broker returns if its queue does not exist. The broker does not return replies, because
    /// the client that asked for one may be gone.
    fileprivate init(_ message: OutgoingMessage) {
        self.init(
            exchange: message.exchange, routingKey: message.routingKey, mandatory: message.isMandatory,
            message: message.message)
    }
}
#endif
