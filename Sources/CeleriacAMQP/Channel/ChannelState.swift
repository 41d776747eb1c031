#if AMQP

internal import DequeModule

/// What a connection knows of one of its channels. Confined to the connection's actor.
final class ChannelState {
    let handle: AMQPChannel
    var calls = Deque<PendingCall>()
    var content: ContentAssembler
    var consumers: [String: Consumer] = [:]
    var window = DeliveryWindow()
    /// Present once confirms were asked for.
    var confirms: ConfirmLedger?
    /// Publishes that wait because the broker does not want any now.
    var held = Deque<PublishBatch>()
    private var cleanupAt = 64
    /// Whether the broker asked to stop publishing on this channel.
    var isStopped = false
    /// Whether `channel.close` was sent and everything but its answer is to be ignored.
    var isClosing = false

    init(handle: AMQPChannel, maximumBodySize: Int) {
        self.handle = handle
        content = ContentAssembler(maximumBodySize: maximumBodySize)
    }

    /// Keeps a batch until the broker wants publishes again. Those whose callers have given up are let go of on the way.
    func hold(_ batch: PublishBatch) {
        if held.count >= cleanupAt {
            held.removeAll(where: \.waiter.isSettled)
            cleanupAt = max(64, held.count * 2)
        }
        held.append(batch)
    }
}

#endif
