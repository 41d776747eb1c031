#if AMQP
import CeleriacAMQP
package import CeleriacCore
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

extension CeleryAMQPBroker {
    /// Publishes with confirms; returns when the broker has taken all messages.
    ///
    /// Where the application has quorum queues, messages with a time wait in the levels of ``NativeDelay``.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` if the broker
    ///   took some of the messages.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        let routes: [Int: NativeDelayRoute]
        do throws(AMQPError) {
            routes = try await delayRoutes(of: messages)
        } catch {
            var failures = AMQPPublishFailures()
            for index in messages.indices { failures.add(error, at: index, isAnswer: false) }
            return try failures.check(of: messages.count, at: name)
        }
        let now = Date()
        let publishes = messages.enumerated().map { index, message in
            routes[index].flatMap { AMQPPublish(message, by: $0, now: now) } ?? AMQPPublish(message)
        }
        let failures = await client.publish(publishes) { indices, anew throws(AMQPError) in
            let queues = Set(indices.compactMap { messages[$0].declaredQueue })
            if anew { declared.withLockedValue { $0.subtract(queues) } }
            try await declare(queues)
            let delayed = indices.compactMap { routes[$0] }
            if delayed.isEmpty { return }
            if anew { topology.forgetDelays() }
            try await declareDelays(of: delayed)
        }
        // Somebody has deleted the levels: they are made again for the next message.
        if !routes.isEmpty, failures.unknown.values.contains(where: { $0.replyCode == 404 }) { topology.forgetDelays() }
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

    /// The ways of the messages that go through the levels, which are there then. The others are sent at once, and
    /// workers wait for their times.
    private func delayRoutes(of messages: [OutgoingMessage]) async throws(AMQPError) -> [Int: NativeDelayRoute] {
        let now = Date()
        var routes: [Int: NativeDelayRoute] = [:]
        for (index, message) in messages.enumerated() where message.delay(now: now) != nil {
            routes[index] = NativeDelayRoute(
                exchange: message.exchange, routingKey: message.routingKey, in: topology.queues)
        }
        if routes.isEmpty || topology.delays.withLockedValue({ $0.areRefused }) { return [:] }
        do throws(AMQPError) {
            try await declare(Set(routes.keys.compactMap { messages[$0].declaredQueue }))
        } catch {
            // Whatever is wrong with one of the queues, the publication tells it of those messages alone.
            if error.isRefusalOfDelays { return [:] }
            throw error
        }
        do throws(AMQPError) {
            try await declareDelays(of: Array(routes.values))
        } catch {
            guard error.isRefusalOfDelays else { throw error }
            topology.refuseDelays(error)
            return [:]
        }
        return routes
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

extension OutgoingMessage {
    /// How many seconds the levels can keep the message; nil if it has to be sent at once.
    fileprivate func delay(now: Date) -> Int? {
        notBefore.flatMap { NativeDelay.delay(before: $0.timeIntervalSince(now)) }
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

    /// Makes a message to the levels; nil if it has to be sent at once.
    fileprivate init?(_ message: OutgoingMessage, by route: NativeDelayRoute, now: Date) {
        guard let delay = message.delay(now: now),
            let routingKey = NativeDelay.routingKey(delay: delay, key: route.key)
        else { return nil }
        self.init(exchange: NativeDelay.entry, routingKey: routingKey, mandatory: true, message: message.message)
    }
}
#endif
