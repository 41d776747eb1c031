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
    /// Whether the broker asked to stop publishing on this channel.
    var isStopped = false
    /// Whether `channel.close` was sent and everything but its answer is to be ignored.
    var isClosing = false

    init(handle: AMQPChannel, maximumBodySize: Int) {
        self.handle = handle
        content = ContentAssembler(maximumBodySize: maximumBodySize)
    }
}

#endif
