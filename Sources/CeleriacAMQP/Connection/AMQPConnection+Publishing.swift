#if AMQP

internal import DequeModule
internal import NIOCore

extension AMQPConnection {
    func publish(_ messages: [AMQPPublish], on handle: AMQPChannel) async throws(AMQPError) -> [AMQPPublishOutcome] {
        let answer = try await answer("basic.publish") { (waiter) throws(AMQPError) in
            let state = try open(handle)
            let batch = PublishBatch(messages, waiter: waiter)
            if isHolding(state) {
                waiter.nothingSent = true
                state.hold(batch)
            } else {
                try write(batch, state)
            }
        }
        guard case .outcomes(let outcomes) = answer else { return [] }
        return outcomes
    }

    /// The shared confirm channel of a kind, opened when it is first needed and again after it was closed.
    func publisherChannel(_ kind: Publishers.Kind) async throws(AMQPError) -> AMQPChannel {
        if let channel = publishers[kind].channel, channel.isOpen { return channel }
        let answer = try await answer("channel.open") { (waiter) throws(AMQPError) in
            publishers[kind].waiters.append(waiter)
            guard publishers[kind].waiters.count == 1 else { return }
            let opening = callback("channel.open") { result in
                let waiting = self.publishers[kind].waiters
                self.publishers[kind].waiters = []
                if case .success(.channel(let channel)) = result { self.publishers[kind].channel = channel }
                for waiter in waiting { waiter.settle(result) }
            }
            do throws(AMQPError) {
                try beginChannel(confirms: true, waiter: opening)
            } catch {
                opening.fail(error)
            }
        }
        guard case .channel(let channel) = answer else { throw .violation("no answer to channel.open") }
        return channel
    }

    private func isHolding(_ state: ChannelState) -> Bool {
        blockedReason != nil || state.isStopped || !state.held.isEmpty
    }

    /// Writes a batch, or nothing of it.
    private func write(_ batch: PublishBatch, _ state: ChannelState) throws(AMQPError) {
        let start = output.writerIndex
        let number = state.handle.number
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
        batch.waiter.nothingSent = false
        if state.confirms != nil {
            state.confirms?.add(batch)
        } else {
            unflushed.append(batch)
        }
        scheduleFlush()
    }

    /// Writes what was held back, unless the broker still wants nothing.
    func publishHeld(_ state: ChannelState) throws(AMQPError) {
        guard blockedReason == nil, !state.isStopped else { return }
        let held = state.held
        state.held = []
        for batch in held where !batch.waiter.isSettled {
            do {
                try write(batch, state)
            } catch {
                batch.waiter.fail(error)
            }
        }
    }

    func settlePublishes(
        _ state: ChannelState, _ tag: UInt64, multiple: Bool, as outcome: AMQPPublishOutcome
    ) throws(AMQPError) {
        guard let finished = try state.confirms?.settle(tag, multiple: multiple, as: outcome) else {
            throw .violation("a confirm on a channel without confirms")
        }
        for batch in finished { batch.finish() }
    }
}

#endif
