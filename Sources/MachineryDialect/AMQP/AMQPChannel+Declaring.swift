#if AMQP
import CeleriacAMQP
import CeleriacWire

extension AMQPChannel {
    /// Declares the exchange, as Machinery does before anything else.
    func declareExchange(_ options: MachineryAMQPOptions) async throws(AMQPError) {
        guard !options.exchange.isEmpty else { return }
        try await exchangeDeclare(options.exchange, type: options.exchangeType, durable: true)
    }

    /// Declares a queue and binds it.
    ///
    /// - Returns: what the broker says about the queue.
    @discardableResult
    func declare(_ declaration: QueueDeclaration, exchange: String) async throws(AMQPError) -> AMQPQueue {
        let queue = try await queueDeclare(
            declaration.queue, durable: declaration.durable, autoDelete: declaration.autoDelete,
            arguments: declaration.arguments)
        if !exchange.isEmpty {
            try await queueBind(
                declaration.queue, exchange: exchange, routingKey: declaration.bindingKey,
                arguments: declaration.bindingArguments)
        }
        return queue
    }
}
#endif
