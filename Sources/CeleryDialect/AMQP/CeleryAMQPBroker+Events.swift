#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

extension CeleryAMQPBroker: EventBroker {
    /// Hears events in a queue on a connection of its own.
    package func listen(
        to exchange: String, queue: EventQueue, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
    ) async throws {
        let listener = AMQPClient(configurations: reading, eventLoopGroup: eventLoopGroup, logger: logger)
        do throws(AMQPError) {
            _ = try await listener.connection()
        } catch {
            await listener.close()
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "events cannot be heard at \(name)", cause: error)
        }
        let session = AMQPConsumerSession(
            client: listener,
            setup: { channel throws(AMQPError) in
                try await channel.exchangeDeclare(exchange, type: "topic", durable: true)
                try await channel.declareInbox(
                    queue.name, expiry: queue.expiry, messageLifetime: queue.lifetime,
                    isExclusive: queue.isExclusive, isDurable: queue.isDurable)
                try await channel.queueBind(queue.name, exchange: exchange, routingKey: "#")
                return [AMQPConsumption(queue: queue.name, noAck: true)]
            },
            onEvent: { event in
                switch event {
                case .up: hear(.listening)
                case .down(let error): if !enough.isOpen { hear(.lost(error)) }
                case .deliveries(let deliveries, _):
                    for delivery in deliveries { hear(.message(delivery.content)) }
                }
            })
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await session.run() }
            await enough.wait()
            group.cancelAll()
        }
        await listener.close()
    }
}
#endif
