#if AMQP

import CeleriacWire
import NIOCore

@testable import CeleriacAMQP

extension AMQPConnection {
    /// How many publishes are held back on a channel.
    func heldCount(_ channel: AMQPChannel) -> Int { state.channel(channel.id)?.held.count ?? 0 }

    /// Sends raw bytes.
    func inject(_ bytes: [UInt8]) {
        state.output.writeBytes(bytes)
        obey(state.flush(now: .now()))
    }

    /// Breaks the socket, as a network failure does.
    func breakSocket() {
        transport?.close(promise: nil)
    }
}

extension AMQPChannel {
    // Operations that the library itself does not need.

    func exchangeDelete(_ exchange: String) async throws(AMQPError) {
        try await call(.exchangeDelete(exchange: exchange, ifUnused: false), .exchangeDelete, .exchangeDeleteOk)
    }

    func exchangeUnbind(destination: String, source: String, routingKey: String) async throws(AMQPError) {
        try await call(
            .exchangeUnbind(destination: destination, source: source, routingKey: routingKey, arguments: [:]),
            .exchangeUnbind, .exchangeUnbindOk)
    }

    func queueUnbind(_ queue: String, exchange: String, routingKey: String) async throws(AMQPError) {
        try await call(
            .queueUnbind(queue: queue, exchange: exchange, routingKey: routingKey, arguments: [:]),
            .queueUnbind, .queueUnbindOk)
    }
}

#endif
