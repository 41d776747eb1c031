#if AMQP
import CeleriacAMQP
import CeleriacCore
import DequeModule

/// What an ``AMQPMessageConsumer`` knows of its channel and of the deliveries on it.
struct AMQPConsumerState {
    /// Counts the channels: a receipt of an earlier one settles nothing.
    private(set) var generation: UInt64 = 0
    /// The channel; nil while the connection is lost.
    var channel: AMQPChannel?
    /// The connection of a channel that was lost: it may be open still, with deliveries that nobody settles.
    var abandoned: AMQPConnection?
    /// What came and was not taken.
    var buffer = Deque<AMQPDelivery>()
    /// What was taken and is not settled, by its tag.
    var held: [UInt64: AMQPDelivery] = [:]
    /// The queues that are to be consumed.
    var served: [String]
    /// Queues by the tags of their consumers, also of those that were cancelled: deliveries of theirs may be held.
    var queues: [String: String] = [:]
    /// Consumers that have not been cancelled, with their queues.
    var activeTags: [String: String] = [:]
    /// Queues whose consumers the broker has cancelled, and which are to be consumed again.
    var cancelled: [String] = []
    var nextTag = 0
    /// How many messages the worker holds beside its prefetch.
    var holding = 0
    /// How many deliveries on this channel can be neither run nor kept aside.
    var stranded = 0
    /// The limit that the broker was last told on this channel.
    var limit: Int?
    /// Opened, and replaced, when anything changes.
    var change = Gate()
    var isStopped = false
    /// Whether the broker refused to limit the whole channel, for a queue that is not what the settings say.
    var refusesGlobalLimit = false

    init(served: [String]) { self.served = served }

    /// Begins anew on a channel.
    ///
    /// - Returns: its generation.
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

    /// The channel is lost, and with it every delivery.
    mutating func drop() {
        abandoned = channel?.connection ?? abandoned
        channel = nil
        buffer = []
        held = [:]
        cancelled = []
    }

    /// Forgets what came and was not taken.
    ///
    /// - Returns: its tags.
    mutating func leaveUntaken() -> [UInt64] {
        defer { buffer = [] }
        return buffer.map(\.deliveryTag)
    }

    /// The queue that a delivery came from.
    func queue(of delivery: AMQPDelivery) -> String { queues[delivery.consumerTag] ?? delivery.routingKey }

    /// Hands out deliveries, which are held until they are settled.
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
