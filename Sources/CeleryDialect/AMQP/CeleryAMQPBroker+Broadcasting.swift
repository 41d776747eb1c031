#if AMQP
import CeleriacAMQP
package import CeleriacCore
package import CeleriacWire
import NIOConcurrencyHelpers

extension CeleryAMQPBroker: AudienceBroker {
    /// Broadcasts on a channel of the publishing connection. The queue of replies goes with its consumer.
    package func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        let publish = AMQPPublish(exchange: request.exchange, routingKey: request.routingKey, message: request.message)
        try await broadcast(publish, exchanges, until: enough, heard: { _ in sent() }, receive: receive)
    }

    /// Broadcasts so that the server returns what no queue takes: it does not say how many do.
    package func ask(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        heard: @escaping @Sendable (_ audience: Int?) -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        let publish = AMQPPublish(
            exchange: request.exchange, routingKey: request.routingKey, mandatory: true, message: request.message)
        try await broadcast(publish, exchanges, until: enough, heard: heard, receive: receive)
    }

    private func broadcast(
        _ publish: AMQPPublish, _ exchanges: ControlExchanges, until enough: Gate,
        heard: @escaping @Sendable (_ audience: Int?) -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        do throws(AMQPError) {
            let channel = try await client.connection().openChannel()
            do throws(AMQPError) {
                try await broadcast(publish, exchanges, on: channel, until: enough, heard: heard, receive: receive)
            } catch {
                await end(channel, exchanges)
                throw error
            }
            await end(channel, exchanges)
        } catch {
            let isLost = error.isOutOfReach || error.code == .consumerCancelled
            throw CeleriacError(
                isLost ? .unavailable : .publishFailed, "remote control failed at \(name)", cause: error)
        }
    }

    /// Deletes the queue of replies and closes the channel, also for a cancelled task. A server that does not answer is
    /// not waited for: it deletes the queue with its consumer or its connection.
    private func end(_ channel: AMQPChannel, _ exchanges: ControlExchanges) async {
        let ended = Gate()
        Task {
            if exchanges.replyKey != nil { _ = try? await channel.queueDelete(exchanges.inbox) }
            await channel.close()
            ended.open()
        }
        await ended.wait(atMost: .seconds(2), timers: EventLoopTimerSource(eventLoop: client.eventLoop))
    }

    private func broadcast(
        _ publish: AMQPPublish, _ exchanges: ControlExchanges, on channel: AMQPChannel, until enough: Gate,
        heard: @Sendable (Int?) -> Void, receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws(AMQPError) {
        let loss = NIOLockedValueBox<AMQPError?>(nil)
        if let replyKey = exchanges.replyKey {
            try await channel.declareReplies(exchanges)
            try await channel.declareInbox(exchanges, boundTo: exchanges.replies, routingKey: replyKey)
            try await channel.consume(queue: exchanges.inbox, noAck: true) { events in
                for event in events {
                    switch event {
                    case .deliveries(let deliveries): for delivery in deliveries { receive(delivery.content) }
                    case .cancelled:
                        let error = AMQPError(.consumerCancelled, "The queue of replies was deleted.")
                        loss.withLockedValue { $0 = error }
                        enough.open()
                    case .closed(let error):
                        loss.withLockedValue { $0 = error }
                        enough.open()
                    }
                }
            }
        }
        try await channel.declareRequests(exchanges)
        var audience: Int?
        for outcome in try await channel.publish([publish]) {
            if case .returned = outcome {
                audience = 0
            } else if let error = outcome.error {
                throw error
            }
        }
        heard(audience)
        guard exchanges.replyKey != nil else { return }
        await enough.wait()
        if let error = loss.withLockedValue({ $0 }) { throw error }
    }
}
#endif
