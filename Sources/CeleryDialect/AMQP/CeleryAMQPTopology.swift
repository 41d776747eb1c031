#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Declares Celery's queues, and says how workers consume them.
struct CeleryAMQPTopology: AMQPConsumerTopology {
    let options: CeleryAMQPOptions
    let queues: QueueTable
    let logger: Logger
    /// What is known of the levels of ``NativeDelay``.
    let delays = NIOLockedValueBox(KnownDelays())

    init(options: CeleryAMQPOptions, queues: QueueTable, logger: Logger) {
        self.options = options
        self.queues = queues
        self.logger = logger
    }

    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
        for queue in queues {
            try refuseStream(queue)
            try await declare(queue, on: connection)
        }
        try await prepareDelays(of: queues, on: connection)
    }

    /// A worker gives messages back and acknowledges each on its own, neither of which a stream allows.
    private func refuseStream(_ queue: String) throws(AMQPError) {
        guard definition(of: queue).type == "stream" else { return }
        throw AMQPError(
            .invalidMessage,
            "The queue \(queue) is a stream, from which no worker can take tasks; make it a quorum queue.",
            nothingSent: true)
    }

    /// Makes sure that a queue exists and is bound. An existing queue stays as it is, whatever its arguments: declaring it
    /// with different ones is an error that closes the channel.
    func declare(_ name: String, on connection: AMQPConnection) async throws(AMQPError) {
        let exists = try await connection.hasQueue(name)
        let queue = definition(of: name)
        if !queue.isDeclared { return }
        // Messages reach such a queue through the default exchange, whoever has declared it.
        if exists, queue.bindings == [TaskQueue.Binding(TaskQueue.Exchange(name), routingKey: name)] { return }
        try await connection.withChannel { channel throws(AMQPError) in
            for exchange in Set(queue.bindings.map(\.exchange)) where !Self.isServersOwn(exchange.name) {
                try await channel.exchangeDeclare(
                    exchange.name, type: exchange.type, durable: exchange.isDurable,
                    autoDelete: exchange.isAutoDeleted, arguments: exchange.arguments)
            }
            if !exists {
                try await channel.queueDeclare(
                    name, durable: queue.isDurable, exclusive: queue.isExclusive, autoDelete: queue.isAutoDeleted,
                    arguments: queue.arguments)
            }
            for binding in queue.bindings where !binding.exchange.name.isEmpty {
                try await channel.queueBind(
                    name, exchange: binding.exchange.name, routingKey: binding.routingKey,
                    arguments: binding.arguments)
            }
        }
    }

    /// Whether an exchange is there on every server, which refuses to declare it.
    private static func isServersOwn(_ exchange: String) -> Bool { exchange.isEmpty || exchange.hasPrefix("amq.") }

    func definition(of queue: String) -> TaskQueue {
        // Whoever takes from a level takes it as it is.
        if Self.levels.contains(queue) {
            return TaskQueue(queue, arguments: ["x-queue-type": "quorum"], isDeclared: false)
        }
        return queues.queue(queue) ?? TaskQueue(queue, exchange: TaskQueue.Exchange(queue), routingKey: queue)
    }

    /// RabbitMQ limits whole channels from 3.3 up to before 4, and then at once; quorum queues never.
    func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool {
        let version = server.versionNumbers
        return server.product == "RabbitMQ" && !queues.contains(where: isQuorum)
            && version.lexicographicallyPrecedes([4]) && !version.lexicographicallyPrecedes([3, 3])
    }

    func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int {
        if isGlobal { return max(1, prefetch + holding) }
        // The limit never falls below what the pool was started with: a smaller worker takes what it has room for.
        let step = max(16, prefetch)
        return max(1, prefetch / max(1, queues.count)) + (max(0, holding) + step - 1) / step * step
    }

    func consumerTag(_ number: Int, nodeName: String) -> String { "celeriac\(number)" }

    func name(of message: WireMessage) -> String? {
        guard let id = message.headers["id"]?.stringValue ?? message.properties.correlationID, !id.isEmpty else {
            return nil
        }
        return "\(id).\(message.headers["retries"]?.intValue ?? 0)"
    }

    func arguments(of queue: String) -> WireObject { definition(of: queue).arguments }

    func consumerArguments(of queue: String) -> WireObject { definition(of: queue).consumerArguments }

    /// Whether a queue is declared as a quorum queue. Quorum queues do not support a prefetch limit for a whole channel.
    private func isQuorum(_ queue: String) -> Bool { definition(of: queue).type == "quorum" }

    var longestHold: Duration? { options.maximumETAHold }

    func text(of time: Date) -> String { CeleryTime.text(time) ?? "" }
}
#endif
