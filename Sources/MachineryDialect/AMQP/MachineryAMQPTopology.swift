#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import MachineryWire
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Declares the queues that a worker of Machinery consumes, and says how it does. One for each consumer, since it counts.
final class MachineryAMQPTopology: AMQPConsumerTopology {
    private let options: MachineryAMQPOptions
    private let counts = NIOLockedValueBox(RequeueCounts())

    init(options: MachineryAMQPOptions) { self.options = options }

    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
        try await connection.withChannel { channel throws(AMQPError) in
            try await channel.declareExchange(options)
            for queue in queues { try await channel.declare(options.workQueue(queue), exchange: options.exchange) }
        }
    }

    func limit(
        queues: [String], prefetch: Int, holding: Int, server: AMQPServerInfo
    ) -> (count: Int, isGlobal: Bool) {
        (options.prefetchCount, false)
    }

    func consumerTag(_ number: Int, nodeName: String) -> String { number == 0 ? nodeName : "\(nodeName).\(number)" }

    func attempts(of delivery: AMQPDelivery) -> Int {
        delivery.redelivered ? counts.withLockedValue { $0.count(of: delivery.message.body) } : 0
    }

    func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition) {
        if case .requeue = disposition {
            counts.withLockedValue { $0.add(delivery.message.body) }
        } else if delivery.redelivered {
            counts.withLockedValue { $0.remove(delivery.message.body) }
        }
    }

    func text(of time: Date) -> String { GoTime(time).description }
}
#endif
