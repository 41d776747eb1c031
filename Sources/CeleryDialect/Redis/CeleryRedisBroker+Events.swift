#if Redis
package import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire

extension CeleryRedisBroker: EventBroker {
    /// Hears events by pub/sub: to kombu their exchange is a fanout exchange here, whose routing keys end the channels'
    /// names. There is no queue.
    package func listen(
        to exchange: String, queue: EventQueue, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
    ) async throws {
        let limits = limits
        let subscription = RedisPubSub(
            configuration, eventLoopGroup: eventLoopGroup, logger: logger,
            onEvent: { event in
                switch event {
                case .connected: break
                case .resubscribed: hear(.listening)
                case .disconnected(let error): hear(.lost(error))
                }
            },
            onMessages: { messages in
                for message in messages {
                    let content = Result { () throws(CeleryWireError) in
                        try KombuEnvelope.decode(message.payload, limits: limits).message
                    }
                    hear(.message(content.mapError { MessageFault($0) }))
                }
            })
        do throws(RedisError) {
            // It says what is wrong, where a subscription only says that there was no time.
            try await client.send(RedisCommand("PING"))
            try await subscription.psubscribe([
                keys.channel(exchange, routingKey: "*", database: configuration.database)
            ])
        } catch {
            await subscription.close()
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "events cannot be heard at \(name)", cause: error)
        }
        hear(.listening)
        await enough.wait()
        await subscription.close()
    }
}
#endif
