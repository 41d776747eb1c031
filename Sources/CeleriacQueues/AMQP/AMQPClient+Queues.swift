#if AMQP
package import CeleriacAMQP
package import CeleriacCore

/// Looking after queues at RabbitMQ.
extension AMQPClient {
    /// How many messages wait in a queue; 0 where it does not exist.
    ///
    /// - Parameter broker: the broker's name, for the error.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func depth(of queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in
            Int(try await channel.queueDeclare(queue, passive: true).messageCount)
        }
    }

    /// Deletes all messages that wait in a queue.
    ///
    /// - Parameter broker: the broker's name, for the error.
    /// - Returns: how many there were; 0 where the queue does not exist.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func purge(_ queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in try await channel.queuePurge(queue) }
    }

    private func lookAfter(
        _ broker: String, _ body: (AMQPChannel) async throws(AMQPError) -> Int
    ) async throws(CeleriacError) -> Int {
        do {
            return try await connection().withChannel(body)
        } catch {
            // The queue does not exist.
            if error.replyCode == 404 { return 0 }
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot look after the queues at \(broker)",
                cause: error)
        }
    }
}
#endif
