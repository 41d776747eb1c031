#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire

extension CeleryAMQPBroker: EventBroker {
    /// How long the broker keeps a listener's queue without its consumer: Celery's `event_queue_expires`.
    private static let queueExpiry = Duration.seconds(60)
    /// How long it keeps an event that the listener does not take: Celery's `event_queue_ttl`.
    private static let eventLifetime = Duration.seconds(5)

    /// Hears events in an exclusive queue on a connection of its own.
    package func listen(
        to exchange: String, queue: String, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
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
                try await channel.queueDeclare(
                    queue, durable: false, exclusive: true, autoDelete: true,
                    arguments: [
                        "x-expires": .int(Self.queueExpiry.brokerMilliseconds),
                        "x-message-ttl": .int(Self.eventLifetime.brokerMilliseconds),
                    ])
                try await channel.queueBind(queue, exchange: exchange, routingKey: "#")
                return [AMQPConsumption(queue: queue, noAck: true)]
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
