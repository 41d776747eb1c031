#if AMQP
import CeleriacAMQP
package import CeleriacCore
import NIOConcurrencyHelpers

/// How the consumer begins to consume further queues, and ends it.
extension AMQPMessageConsumer {
    package func addQueue(_ queue: TaskQueue) async throws {
        let queue = queue.name
        do throws(AMQPError) {
            if let connection = self.channel?.connection { try await admit(queue, on: connection) }
        } catch {
            // Whether the broker takes it is then for the next connection to see.
            if !error.isOutOfReach { throw refusal(of: queue, error) }
        }
        let (channel, generation) = state.withLockedValue { state in
            if !state.served.contains(queue) { state.served.append(queue) }
            return (state.channel, state.generation)
        }
        // Without a channel, the next connection consumes the queue.
        guard let channel else { return }
        do throws(AMQPError) {
            try await changeLimit()
            try await consume(queue, on: channel, generation: generation)
            try await consumeCompanions(of: [queue], on: channel.connection)
        } catch {
            if error.isOutOfReach { return }
            state.withLockedValue { state in state.served.removeAll { $0 == queue } }
            throw refusal(of: queue, error)
        }
    }

    /// Makes sure that a queue exists and can be consumed. It asks on channels that it opens for that, since the broker closes
    /// the channel on which it refuses something.
    private func admit(_ queue: String, on connection: AMQPConnection) async throws(AMQPError) {
        try await topology.declare([queue], on: connection)
        let arguments = topology.consumerArguments(of: queue)
        guard try await connection.probeConsumption(of: queue, arguments: arguments) == .withoutLimitOfChannel,
            state.withLockedValue({ $0.limitsChannel })
        else { return }
        // RabbitMQ would close the connection when the queue is consumed.
        limitEachConsumer(since: "the queue \(queue) does not support it")
    }

    private func refusal(of queue: String, _ error: AMQPError) -> CeleriacError {
        CeleriacError(.configuration, "cannot consume the queue \(queue) at \(name)", cause: error)
    }

    package func removeQueue(_ queue: String) async throws {
        let (channel, tags, companions) = state.withLockedValue { state in
            state.served.removeAll { $0 == queue }
            let tags = state.activeTags.filter { $0.value == queue }.keys
            for tag in tags { state.activeTags[tag] = nil }
            return (state.channel, tags, state.redelivered.deactivate { $0 == queue })
        }
        // If the connection is lost meanwhile, nothing consumes the queue any more.
        for tag in tags { try? await channel?.cancel(consumerTag: tag) }
        for source in companions { try? await source.channel.cancel(consumerTag: source.consumerTag) }
    }
}
#endif
