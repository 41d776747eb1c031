#if AMQP

package import CeleriacWire

extension AMQPChannel {
    // MARK: Exchanges

    /// Declares an exchange.
    ///
    /// - Parameters:
    ///   - exchange: Its name.
    ///   - type: `direct`, `fanout`, `topic`, `headers`, or one of a plug-in.
    ///   - passive: Whether only to check that it exists.
    ///   - durable: Whether it survives a restart of the broker.
    ///   - autoDelete: Whether it goes with its last binding.
    ///   - isInternal: Whether only other exchanges may publish to it.
    ///   - arguments: Further arguments.
    package func exchangeDeclare(
        _ exchange: String, type: String = "direct", passive: Bool = false, durable: Bool = true,
        autoDelete: Bool = false, isInternal: Bool = false, arguments: WireObject = [:]
    ) async throws(AMQPError) {
        try await call(
            .exchangeDeclare(
                exchange: exchange, type: type, passive: passive, durable: durable, autoDelete: autoDelete,
                isInternal: isInternal, arguments: arguments),
            .exchangeDeclare, .exchangeDeclareOk)
    }

    // MARK: Queues

    /// Declares a queue.
    ///
    /// - Parameters:
    ///   - queue: Its name; when empty, the broker makes one.
    ///   - passive: Whether only to look at an existing one.
    ///   - durable: Whether it survives a restart of the broker.
    ///   - exclusive: Whether only this connection may use it, and it goes with the connection.
    ///   - autoDelete: Whether it goes with its last consumer.
    ///   - arguments: Further arguments, for instance `x-expires`, `x-max-priority`, `x-queue-type`.
    /// - Returns: Its name, and how many messages and consumers it has.
    @discardableResult
    package func queueDeclare(
        _ queue: String = "", passive: Bool = false, durable: Bool = true, exclusive: Bool = false,
        autoDelete: Bool = false, arguments: WireObject = [:]
    ) async throws(AMQPError) -> AMQPQueue {
        let answer = try await connection.call(
            self,
            .queueDeclare(
                queue: queue, passive: passive, durable: durable, exclusive: exclusive, autoDelete: autoDelete,
                arguments: arguments),
            MethodID.queueDeclare.name, .reply(.queueDeclareOk))
        guard case .method(.queueDeclareOk(let name, let messages, let consumers)) = answer else {
            return AMQPQueue(name: queue, messageCount: 0, consumerCount: 0)
        }
        return AMQPQueue(name: name, messageCount: Int(messages), consumerCount: Int(consumers))
    }

    /// Binds a queue to an exchange.
    package func queueBind(
        _ queue: String, exchange: String, routingKey: String = "", arguments: WireObject = [:]
    ) async throws(AMQPError) {
        try await call(
            .queueBind(queue: queue, exchange: exchange, routingKey: routingKey, arguments: arguments),
            .queueBind, .queueBindOk)
    }

    /// Removes the messages of a queue that are ready to be delivered.
    ///
    /// - Returns: How many they were.
    @discardableResult
    package func queuePurge(_ queue: String) async throws(AMQPError) -> Int {
        let answer = try await connection.call(
            self, .queuePurge(queue: queue), MethodID.queuePurge.name, .reply(.queuePurgeOk))
        guard case .method(.queuePurgeOk(let count)) = answer else { return 0 }
        return Int(count)
    }

    /// Deletes a queue with its messages; RabbitMQ does not mind when there is none.
    ///
    /// - Parameters:
    ///   - queue: Its name.
    ///   - ifUnused: Whether to refuse (406) when it has consumers.
    ///   - ifEmpty: Whether to refuse (406) when it has messages.
    /// - Returns: How many messages went with it.
    @discardableResult
    package func queueDelete(
        _ queue: String, ifUnused: Bool = false, ifEmpty: Bool = false
    ) async throws(AMQPError) -> Int {
        let answer = try await connection.call(
            self, .queueDelete(queue: queue, ifUnused: ifUnused, ifEmpty: ifEmpty), MethodID.queueDelete.name,
            .reply(.queueDeleteOk))
        guard case .method(.queueDeleteOk(let count)) = answer else { return 0 }
        return Int(count)
    }
}

/// What the broker says about a queue when it is declared.
package struct AMQPQueue: Sendable, Hashable {
    /// Its name; the broker's choice when the declaration gave none.
    package let name: String
    /// Messages that are ready to be delivered.
    package let messageCount: Int
    /// Its consumers.
    package let consumerCount: Int
}

#endif
