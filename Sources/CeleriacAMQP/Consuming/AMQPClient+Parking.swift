#if AMQP
import CeleriacWire

extension AMQPClient {
    /// Keeps messages aside, each in the `.parked` companion of its queue, and returns when the broker has answered.
    ///
    /// - Returns: for each message why it could not be kept aside; nil where the broker has it.
    /// - Throws: an error that is not about a message: the broker is out of reach.
    func park(_ messages: [(queue: String, message: WireMessage)]) async throws(AMQPError) -> [AMQPError?] {
        var failures: [AMQPError?] = Array(repeating: nil, count: messages.count)
        do {
            try await parkAll(messages)
            return failures
        } catch {
            if error.isOutOfReach { throw error }
            if messages.count == 1 { return [error] }
        }
        // One of them is at fault; the others do not suffer for it.
        for (index, message) in messages.enumerated() {
            do {
                try await parkAll([message])
            } catch {
                if error.isOutOfReach { throw error }
                failures[index] = error
            }
        }
        return failures
    }

    private func parkAll(_ messages: [(queue: String, message: WireMessage)]) async throws(AMQPError) {
        let connection = try await connection()
        for queue in Set(messages.map { Self.parkedQueue($0.queue) }).sorted() {
            // One that exists is used as it is, whatever its arguments.
            if try await connection.hasQueue(queue) { continue }
            try await connection.withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare(queue, durable: true)
            }
        }
        let outcomes = try await publish(
            messages.map {
                AMQPPublish(routingKey: Self.parkedQueue($0.queue), mandatory: true, message: $0.message)
            })
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    /// The companion of a queue; names have at most 255 bytes.
    private static func parkedQueue(_ queue: String) -> String {
        var name = queue
        while name.utf8.count > 248 { name.removeLast() }
        return "\(name).parked"
    }
}
#endif
