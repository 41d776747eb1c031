#if AMQP
package import CeleriacAMQP
package import CeleriacCore
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
        // One of them is at fault; the others are parked without it.
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

    /// The message as it is kept aside: with its own body, properties and headers, and further headers that say why.
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

/// Looking after queues at RabbitMQ.
extension AMQPClient {
    /// How many messages wait in a queue; 0 where it does not exist.
    ///
    /// - Parameter broker: the broker's name, for the error.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func depth(of queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in
            Int(try await channel.queueDeclare(queue, passive: true).messageCount)
        }
    }

    /// Deletes all messages that wait in a queue.
    ///
    /// - Parameter broker: the broker's name, for the error.
    /// - Returns: how many there were; 0 where the queue does not exist.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func purge(_ queue: String, at broker: String) async throws(CeleriacError) -> Int {
        try await lookAfter(broker) { channel throws(AMQPError) in try await channel.queuePurge(queue) }
    }

    private func lookAfter(
        _ broker: String, _ body: (AMQPChannel) async throws(AMQPError) -> Int
    ) async throws(CeleriacError) -> Int {
        do {
            return try await connection().withChannel(body)
        } catch {
            // The queue does not exist.
            if error.replyCode == 404 { return 0 }
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot look after the queues at \(broker)",
                cause: error)
        }
    }
}
#endif
