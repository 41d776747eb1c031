#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacQueues
import CeleriacWire
import NIOCore

extension CeleryAMQPBroker: PausingBroker {
    /// Looks for the queues' companions that are notes, each with one message. The connection is one for this alone: a
    /// worker that begins has none yet, and must hear at once if there is no broker.
    package func pauses(of queues: [String]) async throws -> [QueuePause] {
        try await keeping { connection throws(AMQPError) -> [QueuePause] in
            var pauses: [QueuePause] = []
            for queue in queues {
                let name = queue.pauseCompanion
                guard try await connection.hasQueue(name) else { continue }
                let note = try await connection.withChannel { channel throws(AMQPError) -> [UInt8] in
                    guard let delivery = try await channel.get(queue: name) else { return [] }
                    channel.nack([delivery.deliveryTag], requeue: true)
                    return delivery.message.body
                }
                pauses.append(QueuePause(queue: queue, note: note))
            }
            return pauses
        }
    }

    /// Declares the companion, and leaves one message in it.
    package func notePause(_ pause: QueuePause) async throws {
        let name = pause.queue.pauseCompanion
        var message = WireMessage(body: pause.note)
        message.properties.deliveryMode = 2
        message.properties.contentType = "application/json"
        let publish = AMQPPublish(routingKey: name, mandatory: true, message: message)
        try await keeping { connection throws(AMQPError) -> Void in
            try await connection.withChannel { channel throws(AMQPError) -> Void in
                try await channel.queueDeclare(name, durable: true)
                try await channel.confirmSelect()
                // There is a note at every moment: the old one goes after the new one has come.
                let old = try await channel.get(queue: name)
                for outcome in try await channel.publish([publish]) { if let error = outcome.error { throw error } }
                if let old { channel.ack([old.deliveryTag]) }
                try await channel.synchronize()
            }
        }
    }

    /// Deletes the companion.
    package func endPause(of queue: String) async throws -> Bool {
        let name = queue.pauseCompanion
        return try await keeping { connection throws(AMQPError) -> Bool in
            guard try await connection.hasQueue(name) else { return false }
            try await connection.withChannel { channel throws(AMQPError) -> Void in
                _ = try await channel.queueDelete(name)
            }
            return true
        }
    }

    private func keeping<Value: Sendable>(
        _ body: (AMQPConnection) async throws(AMQPError) -> Value
    ) async throws(CeleriacError) -> Value {
        do throws(AMQPError) {
            var failure = AMQPError(.connectFailed, "no server is configured")
            for configuration in configurations {
                let connection: AMQPConnection
                do throws(AMQPError) {
                    connection = try await AMQPConnection.connect(
                        configuration, on: eventLoopGroup.next(), logger: logger)
                } catch {
                    failure = error
                    continue
                }
                do throws(AMQPError) {
                    let value = try await body(connection)
                    await connection.close()
                    return value
                } catch {
                    await connection.close()
                    throw error
                }
            }
            throw failure
        } catch {
            throw CeleriacError.ofPauseNotes(at: name, isOutOfReach: error.isOutOfReach, cause: error)
        }
    }
}
#endif
