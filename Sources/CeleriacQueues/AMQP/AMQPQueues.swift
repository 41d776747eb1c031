#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

extension AMQPClient {
    /// Parks messages, each in the `.parked` companion of its queue, and returns when the broker has answered.
    ///
    /// - Returns: one entry for each message: the error that kept it from being parked, or nil if the broker has it.
    /// - Throws: an error that is not about one message: the broker is out of reach.
    func park(_ messages: [(queue: String, message: WireMessage)]) async throws(AMQPError) -> [AMQPError?] {
        var failures: [AMQPError?] = Array(repeating: nil, count: messages.count)
        try await refuseIfBlocked()
        // Those that one of them keeps from being parked are tried without it.
        var left = Array(messages.indices)
        do {
            left = try await parkAll(messages, at: left, &failures)
        } catch {
            if error.isOutOfReach { throw error }
        }
        for index in left {
            do {
                _ = try await parkAll(messages, at: [index], &failures)
            } catch {
                if error.isOutOfReach { throw error }
                failures[index] = error
            }
        }
        return failures
    }

    /// Parks some of the messages.
    ///
    /// - Returns: those that the broker has not taken. Their failures are noted.
    private func parkAll(
        _ messages: [(queue: String, message: WireMessage)], at indices: [Int], _ failures: inout [AMQPError?]
    ) async throws(AMQPError) -> [Int] {
        for queue in Set(indices.map { messages[$0].queue }).sorted() { try await declareParked(queue) }
        let outcomes = try await publish(
            indices.map {
                AMQPPublish(
                    routingKey: Self.parkedQueue(messages[$0].queue), mandatory: true, message: messages[$0].message)
            })
        var left: [Int] = []
        for (index, outcome) in zip(indices, outcomes) {
            failures[index] = outcome.error
            if outcome.error != nil { left.append(index) }
        }
        return left
    }

    /// Throws if the broker blocks publishes: it would not answer until it has memory or disk again.
    func refuseIfBlocked() async throws(AMQPError) {
        if let reason = try await connection().blockedReason {
            throw AMQPError(.blocked, "The broker blocks publishes (\(reason)).", nothingSent: true)
        }
    }

    /// Declares the companion of a queue in which its messages are parked.
    func declareParked(_ queue: String) async throws(AMQPError) {
        let connection = try await connection()
        let parked = Self.parkedQueue(queue)
        // An existing queue is used as it is, whatever its arguments.
        if try await connection.hasQueue(parked) { return }
        try await connection.withChannel { channel throws(AMQPError) in
            _ = try await channel.queueDeclare(parked, durable: true)
        }
    }

    static func parkedQueue(_ queue: String) -> String { queue.companion(".parked") }
}

/// Queue maintenance at RabbitMQ.
extension AMQPClient {
    /// How many messages wait in a queue: 0 if the queue does not exist. `broker` is the broker's name, for the error.
    /// Throws ``CeleriacError`` with code `unavailable` or `configuration`.
    package func depth(of queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in
            Int(try await channel.queueDeclare(queue, passive: true).messageCount)
        }
    }

    /// Deletes all messages that wait in a queue and returns how many there were: 0 if the queue does not exist.
    /// `broker` is the broker's name, for the error. Throws ``CeleriacError`` with code `unavailable` or
    /// `configuration`.
    package func purge(_ queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in try await channel.queuePurge(queue) }
    }

    /// Does something to a queue on a channel of its own: nothing, and 0, if the queue does not exist.
    func lookAfter(
        _ broker: String, _ body: (AMQPChannel) async throws(AMQPError) -> Int
    ) async throws(CeleriacError) -> Int {
        do {
            return try await connection().withChannel(body)
        } catch {
            // The queue does not exist.
            if error.replyCode == 404 { return 0 }
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot manage the queues at \(broker)",
                cause: error)
        }
    }
}
#endif
