#if AMQP
package import CeleriacAMQP
package import CeleriacCore

package import struct FoundationEssentials.Date

/// What is a dialect's own in the way that a worker consumes at RabbitMQ; everything else is ``AMQPMessageConsumer``'s.
///
/// The consumer calls what is not `async` under its lock: such a method must answer at once.
package protocol AMQPConsumerTopology: Sendable {
    /// Makes sure that queues exist, each bound as the dialect's producers publish to it.
    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError)

    /// Whether the server limits the deliveries of a whole channel, as far as that is known, rather than of each consumer.
    func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool

    /// How many deliveries may be unsettled while the worker holds `holding` messages beside its prefetch, on the whole
    /// channel or for each consumer. A limit for each consumer should grow in steps, since consumers are replaced when it
    /// grows.
    func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int

    /// The tag of the `number`th consumer of a session, counted from 0.
    func consumerTag(_ number: Int, nodeName: String) -> String

    /// How often a message was delivered before, if anybody counts.
    func attempts(of delivery: AMQPDelivery) -> Int

    /// Called for each settlement before it is sent.
    func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition)

    /// A point in time as the dialect writes it.
    func text(of time: Date) -> String
}
#endif
