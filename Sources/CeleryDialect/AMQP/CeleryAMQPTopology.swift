#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

/// Declares Celery's queues, and says how workers consume them.
struct CeleryAMQPTopology: AMQPConsumerTopology {
    let options: CeleryAMQPOptions

    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
        for queue in queues { try await declare(queue, on: connection) }
    }

    /// Makes sure that a queue exists. An existing queue stays as it is, whatever its arguments: declaring it with
    /// different ones is an error that closes the channel.
    func declare(_ queue: String, on connection: AMQPConnection) async throws(AMQPError) {
        if try await connection.hasQueue(queue) { return }
        // As Celery does, declare a direct exchange with the queue's name, although messages go through the default
        // exchange.
        try await connection.withChannel { channel throws(AMQPError) in
            try await channel.exchangeDeclare(queue, type: "direct", durable: true)
            try await channel.queueDeclare(queue, durable: true, arguments: options.arguments(of: queue))
            try await channel.queueBind(queue, exchange: queue, routingKey: queue)
        }
    }

    /// RabbitMQ limits whole channels from 3.3 up to before 4, and then at once; quorum queues never.
    func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool {
        let version = server.versionNumbers
        return server.product == "RabbitMQ" && !options.hasQuorumQueue(queues)
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

    func arguments(of queue: String) -> WireObject { options.arguments(of: queue) }

    var longestHold: Duration? { options.maximumETAHold }

    func text(of time: Date) -> String { CeleryTime.text(time) ?? "" }
}
#endif
