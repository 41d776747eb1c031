#if AMQP

internal import NIOConcurrencyHelpers
internal import Synchronization

extension AMQPConnection {
    func drainSettlements(of handle: AMQPChannel) {
        if let state = current(handle) { drainSettlements(state) }
    }

    /// Sends what consumers said about deliveries since the last time.
    func drainSettlements(_ state: ChannelState) {
        let settlements = state.handle.mailbox.withLockedValue { $0.takeAll() }
        var acknowledged: [UInt64] = []
        for settlement in settlements {
            if case .ack(let tags) = settlement {
                acknowledged += tags
            } else {
                settle(state, settlement)
            }
        }
        // After the refusals: one acknowledgement of many must not cover a delivery that is refused.
        guard !acknowledged.isEmpty else { return }
        for acknowledgement in state.window.acknowledge(acknowledged) {
            settleQuietly(
                state, .basicAck(deliveryTag: acknowledgement.deliveryTag, multiple: acknowledgement.multiple))
        }
    }

    func settle(_ state: ChannelState, _ settlement: ChannelSettlement) {
        switch settlement {
        case .ack(let tags):
            for tag in tags where state.window.settle(tag) {
                settleQuietly(state, .basicAck(deliveryTag: tag, multiple: false))
            }
        case .nack(let tags, let requeue):
            for tag in tags where state.window.settle(tag) {
                settleQuietly(state, .basicNack(deliveryTag: tag, multiple: false, requeue: requeue))
            }
        case .reject(let tag, let requeue):
            guard state.window.settle(tag) else { return }
            settleQuietly(state, .basicReject(deliveryTag: tag, requeue: requeue))
        }
    }

    /// These methods hold numbers and flags only; nothing in them can fail to encode.
    private func settleQuietly(_ state: ChannelState, _ method: ClientMethod) {
        do {
            try send(method, channel: state.handle.number)
        } catch {
            breakOff(error)
        }
    }
}

#endif
