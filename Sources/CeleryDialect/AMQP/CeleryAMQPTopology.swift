#if AMQP
import CeleriacAMQP
import CeleriacWire

/// Declares Celery's queues.
struct CeleryAMQPTopology: Sendable {
    let options: CeleryAMQPOptions

    /// Makes sure that a queue exists. One that does is left as it is, whatever its arguments: declaring it with others
    /// is an error that closes the channel.
    func declare(_ queue: String, on connection: AMQPConnection) async throws(AMQPError) {
        let probe = try await connection.openChannel(confirms: false)
        do {
            try await probe.queueDeclare(queue, passive: true)
            await probe.close()
            return
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 else { throw error }
        }
        let channel = try await connection.openChannel(confirms: false)
        // As Celery does: a direct exchange of the queue's name, although messages go by the default exchange.
        try await channel.exchangeDeclare(queue, type: "direct", durable: true)
        try await channel.queueDeclare(queue, durable: true, arguments: options.arguments(of: queue))
        try await channel.queueBind(queue, exchange: queue, routingKey: queue)
        await channel.close()
    }

    /// Makes sure that the place for a queue's parked messages exists.
    func declareParked(_ queue: String, on connection: AMQPConnection) async throws(AMQPError) -> String {
        let parked = "\(queue).parked"
        let channel = try await connection.openChannel(confirms: false)
        try await channel.queueDeclare(parked, durable: true)
        await channel.close()
        return parked
    }
}
#endif
