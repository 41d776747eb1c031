#if AMQP

internal import DequeModule

/// A connection's state of one of its channels.
final class ChannelState {
    let id: ChannelID
    /// Methods that await their replies, in the order in which they were sent.
    var calls = Deque<PendingCall>()
    var content: ContentAssembler
    var consumers: [String: Consumer] = [:]
    var window = DeliveryWindow()
    /// The ledger of publishes; present once confirms were requested.
    var confirms: ConfirmLedger?
    /// Publishes that wait until the broker accepts publishes again.
    var held = Deque<PublishBatch>()
    private var cleanupAt = 64
    /// Whether the broker asked to stop publishing on this channel.
    var isStopped = false
    /// Whether `channel.close` was sent. Everything but its reply is ignored then.
    var isClosing = false

    init(id: ChannelID, maximumBodySize: Int) {
        self.id = id
        content = ContentAssembler(maximumBodySize: maximumBodySize)
    }

    /// Keeps a batch until the broker accepts publishes again. It drops batches whose callers have given up.
    func hold(_ batch: PublishBatch, _ waiters: WaiterQueue) {
        if held.count >= cleanupAt {
            held.removeAll { !waiters.isWaiting($0.waiter) }
            cleanupAt = max(64, held.count * 2)
        }
        held.append(batch)
    }
}

/// A method that was sent and awaits its reply.
struct PendingCall {
    /// The expected reply, and what to do with it.
    enum Kind {
        case reply(MethodID)
        /// The last reply of opening a channel; the caller gets the channel.
        case open(MethodID)
        /// A new consumer, whose tag is empty if the broker is to choose one.
        case consume(consumerTag: String, noAck: Bool)
        case cancel(consumerTag: String)
        case get(noAck: Bool)

        /// Whether a method is the reply.
        func isAnswered(by id: MethodID, _ method: ServerMethod) -> Bool {
            switch (self, method) {
            case (.reply(let expected), _), (.open(let expected), _): expected == id
            case (.consume(let tag, _), .basicConsumeOk(let confirmed)): tag.isEmpty || tag == confirmed
            case (.cancel(let tag), .basicCancelOk(let confirmed)): tag == confirmed
            case (.get, .basicGetOk), (.get, .plain(.basicGetEmpty)): true
            case (.consume, _), (.cancel, _), (.get, _): false
            }
        }
    }

    let kind: Kind
    /// The caller; `nil` if there is none.
    let waiter: WaiterID?
}

/// One consumer of a channel.
final class Consumer {
    let noAck: Bool
    /// The receiver of the events, identified by the caller that started the consumer; `nil` if that caller gave up
    /// before the broker confirmed the consumer.
    let owner: WaiterID?
    /// Deliveries of the current socket read.
    private var pending: [AMQPDelivery] = []

    init(noAck: Bool, owner: WaiterID?) {
        self.noAck = noAck
        self.owner = owner
    }

    /// Adds a delivery.
    ///
    /// - Returns: Whether it is the first one of this read.
    func take(_ delivery: AMQPDelivery) -> Bool {
        pending.append(delivery)
        return pending.count == 1
    }

    /// Returns the pending deliveries, followed by `last`, if given.
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
