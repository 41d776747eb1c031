#if AMQP

package import CeleriacWire

extension AMQPChannel {
    // MARK: Exchanges

    /// Declares an exchange of a type: `direct`, `fanout`, `topic`, `headers`, or one that a plugin provides. A passive
    /// declaration only checks that the exchange exists. A durable exchange survives a restart of the broker, an
    /// auto-deleted one disappears with its last binding, and only other exchanges may publish to an internal one.
    /// Throws ``AMQPError``.
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

    /// Binds an exchange to another, from which it gets the messages whose routing keys match. Throws ``AMQPError``.
    package func exchangeBind(destination: String, source: String, routingKey: String) async throws(AMQPError) {
        try await call(
            .exchangeBind(destination: destination, source: source, routingKey: routingKey, arguments: [:]),
            .exchangeBind, .exchangeBindOk)
    }

    // MARK: Queues

    /// Declares a queue.
    ///
    /// - Parameters:
    ///   - queue: The queue's name; if empty, the broker chooses one.
    ///   - passive: Whether to only look up an existing queue.
    ///   - durable: Whether the queue survives a restart of the broker.
    ///   - exclusive: Whether only this connection may use the queue. The broker deletes it with the connection.
    ///   - autoDelete: Whether the broker deletes the queue with its last consumer.
    ///   - arguments: Further arguments, for example `x-expires`, `x-max-priority`, `x-queue-type`.
    /// - Returns: The queue's name, and how many messages and consumers it has.
    /// - Throws: ``AMQPError``, for example with reply code 406 if the queue exists with other arguments, or with code
    ///   `deprecatedFeature` if the broker permits no queue that is neither durable nor exclusive; it has then closed the
    ///   connection.
    @discardableResult
    package func queueDeclare(
        _ queue: String = "", passive: Bool = false, durable: Bool = true, exclusive: Bool = false,
        autoDelete: Bool = false, arguments: WireObject = [:]
    ) async throws(AMQPError) -> AMQPQueue {
        let answer: ConnectionAction.Answer
        do throws(AMQPError) {
            answer = try await connection.call(
                self,
                .queueDeclare(
                    queue: queue, passive: passive, durable: durable, exclusive: exclusive, autoDelete: autoDelete,
                    arguments: arguments),
                MethodID.queueDeclare.name, .reply(.queueDeclareOk))
        } catch {
            guard error.isRefusalOfDeprecatedFeature, !passive, !durable, !exclusive else { throw error }
            throw AMQPError(
                .deprecatedFeature,
                "The broker permits no queue that is neither durable nor exclusive; make \(queue) durable.",
                replyCode: error.replyCode, replyText: error.replyText, method: error.method)
        }
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

    /// Removes the messages in a queue that are ready for delivery.
    ///
    /// - Returns: How many there were.
    @discardableResult
    package func queuePurge(_ queue: String) async throws(AMQPError) -> Int {
        let answer = try await connection.call(
            self, .queuePurge(queue: queue), MethodID.queuePurge.name, .reply(.queuePurgeOk))
        guard case .method(.queuePurgeOk(let count)) = answer else { return 0 }
        return Int(count)
    }

    /// Deletes a queue and its messages. RabbitMQ does not object if there is no such queue.
    ///
    /// - Parameters:
    ///   - queue: The queue's name.
    ///   - ifUnused: Whether to refuse (406) if the queue has consumers.
    ///   - ifEmpty: Whether to refuse (406) if the queue has messages.
    /// - Returns: How many messages were deleted.
    /// - Throws: ``AMQPError``.
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

/// The broker's description of a declared queue.
package struct AMQPQueue: Sendable, Hashable {
    /// The queue's name, which the broker chose if the declaration had none.
    package let name: String
    /// How many messages are ready for delivery.
    package let messageCount: Int
    /// How many consumers the queue has.
    package let consumerCount: Int
}

#endif
