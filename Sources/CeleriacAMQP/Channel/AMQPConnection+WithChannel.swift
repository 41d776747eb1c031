#if AMQP

extension AMQPConnection {
    /// Opens a channel without confirms, and closes it when `body` has ended.
    package nonisolated func withChannel<Value: Sendable>(
        _ body: (AMQPChannel) async throws(AMQPError) -> Value
    ) async throws(AMQPError) -> Value {
        let channel = try await openChannel(confirms: false)
        do throws(AMQPError) {
            let value = try await body(channel)
            await channel.close()
            return value
        } catch {
            await channel.close()
            throw error
        }
    }

    /// Whether a queue exists, whatever its arguments.
    package nonisolated func hasQueue(_ queue: String) async throws(AMQPError) -> Bool {
        do {
            try await withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare(queue, passive: true)
            }
            return true
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 else { throw error }
            return false
        }
    }
}

#endif
