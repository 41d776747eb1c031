#if AMQP

internal import DequeModule

/// What a connection knows of one of its channels.
final class ChannelState {
    let id: ChannelID
    /// Methods whose answers are due, in the order in which they were sent.
    var calls = Deque<PendingCall>()
    var content: ContentAssembler
    var consumers: [String: Consumer] = [:]
    var window = DeliveryWindow()
    /// Present once confirms were asked for.
    var confirms: ConfirmLedger?
    /// Publishes that wait until the broker takes them again.
    var held = Deque<PublishBatch>()
    private var cleanupAt = 64
    /// Whether the broker asked to stop publishing on this channel.
    var isStopped = false
    /// Whether `channel.close` was sent, and everything but its answer is ignored.
    var isClosing = false

    init(id: ChannelID, maximumBodySize: Int) {
        self.id = id
        content = ContentAssembler(maximumBodySize: maximumBodySize)
    }

    /// Keeps a batch until the broker takes publishes again. Batches whose callers have given up are dropped on the way.
    func hold(_ batch: PublishBatch, _ waiters: WaiterQueue) {
        if held.count >= cleanupAt {
            held.removeAll { !waiters.isWaiting($0.waiter) }
            cleanupAt = max(64, held.count * 2)
        }
        held.append(batch)
    }
}

/// A method that was sent and whose answer is due.
struct PendingCall {
    /// What the answer must be, and what to do with it.
    enum Kind {
        case reply(MethodID)
        /// The last answer of opening a channel; the caller gets the channel.
        case open(MethodID)
        case consume(noAck: Bool)
        case cancel(consumerTag: String)
        case get(noAck: Bool)
    }

    let kind: Kind
    /// Who waits; `nil` when nobody does.
    let waiter: WaiterID?
}

/// One consumer of a channel.
final class Consumer {
    let noAck: Bool
    /// Who is told, by the name of the caller who started the consumer; `nil` when that one gave up before the broker
    /// confirmed it.
    let owner: WaiterID?
    /// Deliveries of the current socket read.
    private var pending: [AMQPDelivery] = []

    init(noAck: Bool, owner: WaiterID?) {
        self.noAck = noAck
        self.owner = owner
    }

    /// Takes a delivery.
    ///
    /// - Returns: Whether it is the first of this read.
    func take(_ delivery: AMQPDelivery) -> Bool {
        pending.append(delivery)
        return pending.count == 1
    }

    /// Hands out the pending deliveries, followed by `last`, if any.
    func takeEvents(last: AMQPConsumerEvent? = nil) -> [AMQPConsumerEvent] {
        var events: [AMQPConsumerEvent] = []
        if !pending.isEmpty {
            events.append(.deliveries(pending))
            pending = []
        }
        if let last { events.append(last) }
        return events
    }
}

#endif
