#if AMQP
package import CeleriacAMQP
package import CeleriacCore

package import struct FoundationEssentials.Date

/// What is a dialect's own in the way that a worker consumes at RabbitMQ; all else is ``AMQPMessageConsumer``'s.
///
/// It is asked under the consumer's lock where it is not `async`: it answers at once.
package protocol AMQPConsumerTopology: Sendable {
    /// Makes sure that queues exist, each bound as the dialect's producers publish to it.
    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError)

    /// How many deliveries may be unsettled while the worker holds `holding` messages beside its prefetch, and whether
    /// that is for the whole channel or for each consumer. A limit of each consumer had better grow in steps: consumers
    /// are replaced when it grows.
    func limit(queues: [String], prefetch: Int, holding: Int, server: AMQPServerInfo) -> (count: Int, isGlobal: Bool)

    /// The name of the consumer that is started as the `number`th of its session, counted from 0.
    func consumerTag(_ number: Int, nodeName: String) -> String

    /// How often a message was claimed before, as far as anybody counts.
    func attempts(of delivery: AMQPDelivery) -> Int

    /// Told of each settlement before it is sent.
    func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition)

    /// A point in time as the dialect writes it.
    func text(of time: Date) -> String
}
#endif
