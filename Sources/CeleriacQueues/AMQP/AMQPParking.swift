#if AMQP
import CeleriacAMQP
import CeleriacCore
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

extension AMQPDelivery {
    /// Whether the body was too large to be taken, so that there is nothing to keep aside.
    var lacksBody: Bool { defect?.isBodyMissing == true }

    /// The message as it is kept aside: its own body, properties and headers, and beside these why.
    func parked(for fault: MessageFault, queue: String, worker: String, time: String) -> WireMessage {
        var parked = message
        parked.headers["x-celeriac-reason"] = .string(fault.reason)
        parked.headers["x-celeriac-detail"] = .string(fault.detail)
        parked.headers["x-celeriac-queue"] = .string(queue)
        parked.headers["x-celeriac-worker"] = .string(worker)
        parked.headers["x-celeriac-time"] = .string(time)
        if let defect {
            // Headers that cannot be read are kept as the bytes that came.
            parked.headers["x-celeriac-properties"] = .bytes(defect.propertyBytes)
        }
        // By these the broker would send copies to the queues that the message came from.
        for name in ["CC", "BCC"] {
            if let value = parked.headers.removeValue(forKey: name) { parked.headers["x-celeriac-\(name)"] = value }
        }
        // The broker refuses the name of a user other than the one that publishes.
        if let user = parked.properties.userID {
            parked.headers["x-celeriac-user-id"] = .string(user)
            parked.properties.userID = nil
        }
        // It must stay until somebody looks at it.
        parked.properties.expiration = nil
        return parked
    }
}
#endif
