#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import DequeModule

/// The state of an ``AMQPMessageConsumer``: its channel and the deliveries on it.
struct AMQPConsumerState {
    /// Counts the channels. A receipt from an earlier channel settles nothing.
    private(set) var generation: UInt64 = 0
    /// The channel; nil while the connection is lost.
    var channel: AMQPChannel?
    /// Whether all queues are consumed on the channel, so that the worker may have something of it.
    var isSetUp = false
    /// The connection of a lost channel. It may still be open, with deliveries that nobody settles.
    var abandoned: AMQPConnection?
    /// Deliveries that have arrived and that the worker has not taken.
    var buffer = Deque<AMQPDelivery>()
    /// Deliveries that the worker has taken and not settled, by the tags of their receipts.
    var held: [UInt64: AMQPDelivery] = [:]
    /// Those held deliveries that have come back and whose attempts a result store counts, by the same tags.
    var counted: [UInt64: CountedMessage] = [:]
    /// Whose turn it is among the messages of which a counted beginning has not ended.
    var turn = SuspectTurn()
    /// Copies of what has ended, by the tags of their receipts. They are to be acknowledged.
    var superseded: [UInt64] = []
    /// Those of the deliveries taken last that the broker may soon drop, because it has delivered them so often.
    var worn: [Receipt] = []
    /// The companions of the queues, where messages are that have come back.
    var redelivered = RedeliveredState()
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
    /// How many deliveries are neither held nor settled: they are being published elsewhere, and then acknowledged.
    var settling = 0
    /// The limit last sent to the broker on this channel.
    var limit: Int?
    /// Whether that limit is the whole channel's, rather than each consumer's.
    var limitsChannel = false
    /// A gate that opens, and is replaced, when anything changes.
    var change = Gate()
    var looks = Looks()
    var isStopped = false
    /// Whether a channel was lost since the last one was opened.
    var wasLost = false
    /// Whether the consumer has ever had all of its queues.
    var hasConsumed = false
    /// When to connect again.
    var reconnection = Reconnection()
    /// Called when the channel is lost.
    var lossAction: (@Sendable () -> Void)?
    /// Watches the queues while nothing arrives.
    var watchdog = Watchdog()
    /// The queues that were found to have a single active consumer, although their settings do not say so.
    var standingBy: Set<String> = []
    /// What is known of the levels where messages wait for their time.
    var levels = KnownLevels()
    /// Whether the broker limits no whole channel, for a queue that is not what the settings say.
    var refusesGlobalLimit = false

    /// Whether the dead-letter exchange did not take the last message, so that everything is parked.
    var cannotDeadLetter = false

    init(served: [String]) { self.served = served }

    /// What may end the pause after a failure to connect: the next change. The failure itself was one, if the broker closed
    /// the channel, and must not end its own pause. Nil if there is nothing to wait for, because the consumer stops.
    var changeAfterFailure: Gate? { isStopped ? nil : change }

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
        (limit, limitsChannel) = (nil, false)
        levels = KnownLevels()
        standingBy = []
        return generation
    }

    /// Forgets the channel and all its deliveries, because the channel is lost.
    mutating func drop() {
        abandoned = channel?.connection ?? abandoned
        channel = nil
        isSetUp = false
        buffer = []
        held = [:]
        turn.reset()
        counted = [:]
        superseded = []
        worn = []
        redelivered.drop()
        cancelled = []
    }

    /// Forgets the deliveries that the worker has not taken, and returns them.
    mutating func leaveUntaken() -> [AMQPDelivery] {
        defer { buffer = [] }
        return Array(buffer)
    }

    /// The queue that a delivery came from.
    func queue(of delivery: AMQPDelivery) -> String { queues[delivery.consumerTag] ?? delivery.routingKey }

    /// Hands out deliveries. They are held until the worker settles them.
    ///
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - countsInMessages: whether messages say how often they were begun.
    ///   - name: names a message. One that is still being moved is not handed out, since it must not begin, and perhaps
    ///     end the process, before the message that it replaces is acknowledged.
    ///   - attempts: how often a message was tried, besides what it says itself.
    /// - Returns: the deliveries.
    mutating func take(
        _ limit: Int, countsInMessages: Bool, name: (WireMessage) -> String?, attempts: (AMQPDelivery) -> Int
    ) -> [Delivery] {
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(max(0, min(limit, buffer.count)))
        var heldBack: [AMQPDelivery] = []
        while deliveries.count < limit, let delivery = buffer.popFirst() {
            let number = redelivered.number(of: delivery.consumerTag)
            // Most messages are as their senders published them.
            if number == nil, !delivery.redelivered, delivery.defect == nil,
                !delivery.message.isMarked
            {
                held[delivery.deliveryTag] = delivery
                deliveries.append(
                    Delivery(
                        content: .success(delivery.message), queue: queue(of: delivery), exchange: delivery.exchange,
                        routingKey: delivery.routingKey,
                        receipt: Receipt(generation: generation, tag: delivery.deliveryTag)))
                continue
            }
            let queue = queue(of: delivery)
            let tag = number.map { redelivered.receiptTag(delivery.deliveryTag, of: $0) } ?? delivery.deliveryTag
            let count = delivery.message.movedAttempts
            let origin = MessageOrigin(delivery.message, in: queue)
            let message = count > 0 || origin != nil ? delivery.message.unmoved(queue: queue) : delivery.message
            if count > 0, !redelivered.moving.isEmpty || !redelivered.uncertain.isEmpty {
                let name = name(message) ?? ""
                if number != nil, redelivered.moving.contains(name) {
                    heldBack.append(delivery)
                    continue
                }
                if redelivered.uncertain.arrive(name, count: count) {
                    superseded.append(tag)
                    continue
                }
            }
            held[tag] = delivery
            if number == nil, delivery.isWorn { worn.append(Receipt(generation: generation, tag: tag)) }
            let fault = delivery.defect.map { MessageFault(reason: "undecodableProperties", detail: $0.reason) }
            var taken = Delivery(
                content: fault.map { .failure($0) } ?? .success(message),
                queue: queue, exchange: origin?.exchange ?? delivery.exchange,
                routingKey: origin?.routingKey ?? (number == nil ? delivery.routingKey : queue),
                redelivered: count > 0 || delivery.hasComeBack,
                attempts: attempts(delivery) + (count > 0 && countsInMessages ? self.attempts(of: delivery) : 0),
                receipt: Receipt(generation: generation, tag: tag))
            taken.moves = origin?.moves ?? 0
            taken.comesFirst = number != nil
            // A message whose body is missing cannot even be parked, and another worker may get it.
            if fault != nil, !delivery.lacksBody { taken.remains = message }
            deliveries.append(taken)
        }
        if !heldBack.isEmpty { buffer.insert(contentsOf: heldBack, at: 0) }
        return deliveries
    }
}
#endif
