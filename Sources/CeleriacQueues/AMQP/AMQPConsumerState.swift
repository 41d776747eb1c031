#if AMQP
import CeleriacAMQP
import CeleriacCore
import DequeModule

/// The state of an ``AMQPMessageConsumer``: its channel and the deliveries on it.
struct AMQPConsumerState {
    /// Counts the channels. A receipt from an earlier channel settles nothing.
    private(set) var generation: UInt64 = 0
    /// The channel; nil while the connection is lost.
    var channel: AMQPChannel?
    /// The connection of a lost channel. It may still be open, with deliveries that nobody settles.
    var abandoned: AMQPConnection?
    /// Deliveries that have arrived and that the worker has not taken.
    var buffer = Deque<AMQPDelivery>()
    /// Deliveries that the worker has taken and not settled, by delivery tag.
    var held: [UInt64: AMQPDelivery] = [:]
    /// The queues to consume.
    var served: [String]
    /// Queues by consumer tag. It includes cancelled consumers, since the worker may still hold deliveries from them.
    var queues: [String: String] = [:]
    /// The queues of consumers that have not been cancelled, by consumer tag.
    var activeTags: [String: String] = [:]
    /// Queues whose consumers the broker has cancelled. They are to be consumed again.
    var cancelled: [String] = []
    var nextTag = 0
    /// How many messages the worker holds beyond its prefetch.
    var holding = 0
    /// How many deliveries on this channel can be neither run nor parked.
    var stranded = 0
    /// The limit last sent to the broker on this channel.
    var limit: Int?
    /// A gate that opens, and is replaced, when anything changes.
    var change = Gate()
    var looks = Looks()
    var isStopped = false
    /// Whether the broker refused to limit the whole channel, for a queue that is not what the settings say.
    var refusesGlobalLimit = false

    init(served: [String]) { self.served = served }

    /// Starts over on a new channel.
    ///
    /// - Returns: the channel's generation.
    mutating func begin(on channel: AMQPChannel) -> UInt64 {
        drop()
        generation += 1
        self.channel = channel
        queues = [:]
        activeTags = [:]
        nextTag = 0
        stranded = 0
        limit = nil
        return generation
    }

    /// Forgets the channel and all its deliveries, because the channel is lost.
    mutating func drop() {
        abandoned = channel?.connection ?? abandoned
        channel = nil
        buffer = []
        held = [:]
        cancelled = []
    }

    /// Forgets the deliveries that the worker has not taken.
    ///
    /// - Returns: their tags.
    mutating func leaveUntaken() -> [UInt64] {
        defer { buffer = [] }
        return buffer.map(\.deliveryTag)
    }

    /// The queue that a delivery came from.
    func queue(of delivery: AMQPDelivery) -> String { queues[delivery.consumerTag] ?? delivery.routingKey }

    /// Hands out deliveries. They are held until the worker settles them.
    mutating func take(_ limit: Int, attempts: (AMQPDelivery) -> Int) -> [Delivery] {
        let count = min(limit, buffer.count)
        guard count > 0 else { return [] }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(count)
        for delivery in buffer.prefix(count) {
            held[delivery.deliveryTag] = delivery
            let fault = delivery.defect.map { MessageFault(reason: "undecodableProperties", detail: $0.reason) }
            deliveries.append(
                Delivery(
                    content: fault.map { .failure($0) } ?? .success(delivery.message), queue: queue(of: delivery),
                    exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: delivery.redelivered,
                    attempts: attempts(delivery), receipt: Receipt(generation: generation, tag: delivery.deliveryTag)))
        }
        buffer.removeFirst(count)
        return deliveries
    }
}
#endif
