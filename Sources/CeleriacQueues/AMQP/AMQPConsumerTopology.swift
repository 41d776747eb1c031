#if AMQP
package import CeleriacAMQP
package import CeleriacCore
package import CeleriacWire

package import struct FoundationEssentials.Date

/// The part of consuming from RabbitMQ that differs between dialects; ``AMQPMessageConsumer`` does the rest.
///
/// The consumer calls the methods that are not `async` under its lock, so they must return at once.
package protocol AMQPConsumerTopology: Sendable {
    /// Makes sure that the queues exist, each bound the way the dialect's producers publish to it.
    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError)

    /// Whether the server can limit the deliveries of a whole channel, as far as is known, rather than of each
    /// consumer.
    func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool

    /// How many deliveries may be unsettled while the worker holds `holding` messages beyond its prefetch, on the whole
    /// channel or for each consumer. A limit for each consumer should grow in steps, since the consumers are replaced
    /// when it grows.
    func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int

    /// The tag of the `number`th consumer of a session, counted from 0.
    func consumerTag(_ number: Int, nodeName: String) -> String

    /// A name by which a message can be told from all others however often it is delivered, also from retries of the
    /// same task; nil if it cannot be read.
    func name(of message: WireMessage) -> String?

    /// How often this process put the message back, if it counts that.
    func attempts(of delivery: AMQPDelivery) -> Int

    /// Observes a settlement before it is sent.
    func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition)

    /// The arguments with which a queue is declared if it does not exist. A queue that exists may have others.
    func arguments(of queue: String) -> WireObject

    /// The arguments with which a queue is consumed.
    func consumerArguments(of queue: String) -> WireObject

    /// How far away the time of a task may be for the worker to hold its message; nil, or zero, if it holds any.
    var longestHold: Duration? { get }

    /// Formats a point in time the way the dialect writes it.
    func text(of time: Date) -> String
}

extension AMQPConsumerTopology {
    package func arguments(of queue: String) -> WireObject { [:] }
    package func consumerArguments(of queue: String) -> WireObject { [:] }
    package func attempts(of delivery: AMQPDelivery) -> Int { 0 }
    package func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition) {}
}
#endif
