#if AMQP

internal import CeleriacWire
internal import DequeModule
internal import NIOCore

extension AMQPConnectionState {
    // MARK: Publishing

    /// Publishes messages for a caller, which waits for their outcomes.
    mutating func publish(
        _ messages: [AMQPPublish], on id: ChannelID, for waiter: WaiterID, now: NIODeadline
    ) -> [ConnectionAction] {
        self.now = now
        wait(waiter, for: "basic.publish", isQuestion: false)
        do throws(AMQPError) {
            let channel = try usable(id)
            let batch = PublishBatch(messages, waiter: waiter)
            if blockedReason != nil || channel.isStopped || !channel.held.isEmpty {
                waiters.setNothingSent(true, for: waiter)
                channel.hold(batch, waiters)
            } else {
                try write(batch, channel)
                if channel.confirms != nil { noteQuestion() }
            }
        } catch {
            fail(waiter, error)
        }
        return takeActions()
    }

    /// Writes a whole batch or none of it.
    private mutating func write(_ batch: PublishBatch, _ channel: ChannelState) throws(AMQPError) {
        // A buffer counts in 32 bits.
        let size = batch.messages.reduce(0) { $0 + $1.message.body.count }
        guard size <= 1 << 30 else {
            throw AMQPError(
                .invalidMessage,
                "\(batch.messages.count) messages of \(size) bytes are too many at once; publish fewer at a time.")
        }
        if output.readableBytes > 1 << 28 { writeOut() }
        let start = output.writerIndex
        let number = channel.id.number
        for (index, publish) in batch.messages.enumerated() {
            do {
                try writer.write(
                    .basicPublish(
                        exchange: publish.exchange, routingKey: publish.routingKey, mandatory: publish.mandatory),
                    channel: number, to: &output)
                try writer.write(
                    publish.message, omitsEmptyHeaders: publish.omitsEmptyHeaders, channel: number, to: &output)
            } catch {
                output.moveWriterIndex(to: start)
                var error = error
                if batch.messages.count > 1 {
                    error.message = "Message \(index) of \(batch.messages.count): " + error.message
                }
                throw error
            }
        }
        waiters.setNothingSent(false, for: batch.waiter)
        if channel.confirms != nil {
            channel.confirms?.add(batch)
        } else {
            unflushed.append(batch)
        }
        scheduleFlush()
    }

    /// Writes the held publishes, unless the broker still blocks them.
    mutating func publishHeld(_ channel: ChannelState) {
        guard blockedReason == nil, !channel.isStopped else { return }
        let held = channel.held
        channel.held = []
        for batch in held where waiters.isWaiting(batch.waiter) {
            do {
                try write(batch, channel)
            } catch {
                fail(batch.waiter, error)
            }
        }
    }

    /// Handles the broker's answer to one publish, or to all publishes up to it.
    mutating func confirm(
        _ channel: ChannelState, _ tag: UInt64, multiple: Bool, as outcome: AMQPPublishOutcome
    ) throws(AMQPError) {
        guard let finished = try channel.confirms?.settle(tag, multiple: multiple, as: outcome) else {
            throw .violation("a confirm on a channel without confirms")
        }
        for batch in finished { finish(batch) }
    }

    mutating func finish(_ batch: PublishBatch) {
        answer(batch.waiter, .outcomes(batch.outcomes()))
    }

    // MARK: Settling

    /// Settles deliveries for a channel's users. Settlements on a channel that has ended are ignored.
    mutating func settle(_ settlements: [ChannelSettlement], on id: ChannelID, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        guard let channel = channel(id) else { return [] }
        var acknowledged: [UInt64] = []
        for settlement in settlements {
            if case .ack(let tags) = settlement {
                acknowledged += tags
            } else {
                settle(channel, settlement)
            }
        }
        // Refusals go first, since one acknowledgement of many deliveries must not cover a refused one.
        if !acknowledged.isEmpty {
            for acknowledgement in channel.window.acknowledge(acknowledged) {
                settle(
                    channel, .basicAck(deliveryTag: acknowledgement.deliveryTag, multiple: acknowledgement.multiple))
            }
        }
        return takeActions()
    }

    mutating func settle(_ channel: ChannelState, _ settlement: ChannelSettlement) {
        switch settlement {
        case .ack(let tags):
            for tag in tags where channel.window.settle(tag) {
                settle(channel, .basicAck(deliveryTag: tag, multiple: false))
            }
        case .nack(let tags, let requeue):
            for tag in tags where channel.window.settle(tag) {
                settle(channel, .basicNack(deliveryTag: tag, multiple: false, requeue: requeue))
            }
        case .reject(let tag, let requeue):
            guard channel.window.settle(tag) else { return }
            settle(channel, .basicReject(deliveryTag: tag, requeue: requeue))
        }
    }

    /// Sends a settlement. It contains only numbers and flags, so encoding it cannot fail.
    private mutating func settle(_ channel: ChannelState, _ method: ClientMethod) {
        do {
            try send(method, channel: channel.id.number)
        } catch {
            breakOff(error)
        }
    }
}

#endif
