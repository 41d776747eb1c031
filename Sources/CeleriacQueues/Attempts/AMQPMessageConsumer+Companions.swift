#if AMQP
import CeleriacAMQP
import CeleriacCore
import Logging
import NIOConcurrencyHelpers

/// How the consumer consumes the companions of its queues, each on a channel of its own.
extension AMQPMessageConsumer {
    /// Consumes the companions that exist, unless a result store counts.
    func consumeCompanions(of queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
        guard options.attemptCounter == nil else { return }
        for queue in queues where !state.withLockedValue({ $0.redelivered.refused.contains(queue) }) {
            do throws(AMQPError) {
                guard try await connection.hasQueue(RedeliveredMessage.companion(of: queue)) else { continue }
            } catch {
                guard error.code == .channelClosedByServer else { throw error }
                continue
            }
            await consumeCompanion(of: queue)
        }
    }

    /// Consumes a companion, if nobody does or is about to. What goes wrong is no reason to stop: after a while the
    /// companion gives its messages back to the queue.
    func consumeCompanion(of queue: String) async {
        let opening = state.withLockedValue { state -> (main: AMQPChannel, generation: UInt64, tag: String)? in
            guard let main = state.channel, main.isOpen, !state.isStopped, state.served.contains(queue),
                !state.redelivered.active.contains(where: { $0.queue == queue }),
                state.redelivered.opening.insert(queue).inserted
            else { return nil }
            defer { state.nextTag += 1 }
            return (main, state.generation, topology.consumerTag(state.nextTag, nodeName: options.nodeName))
        }
        guard let (main, generation, tag) = opening else { return }
        defer {
            state.withLockedValue { state in
                if state.generation == generation { state.redelivered.opening.remove(queue) }
            }
        }
        do throws(AMQPError) {
            guard let (source, number) = try await addCompanion(of: queue, tag, beside: main, generation) else {
                return
            }
            try await source.channel.consume(queue: RedeliveredMessage.companion(of: queue), consumerTag: tag) {
                [weak self] events in self?.receive(events, from: tag, generation: generation)
            }
            // The worker may have stopped meanwhile, or no longer serve the queue.
            let isActive = state.withLockedValue { state in
                state.generation == generation && state.redelivered.activate(number) && !state.isStopped
            }
            if !isActive { try await source.channel.cancel(consumerTag: tag) }
        } catch {
            if error.isRefusalOfQueue { return refuse(queue, error) }
            logger.debug(
                "cannot consume messages that came back", metadata: ["queue": "\(queue)", "error": "\(error)"])
        }
    }

    /// Opens the channel of a companion, on which one message may be unsettled. A companion that was consumed before
    /// has its channel still, unless the broker has closed it.
    private func addCompanion(
        of queue: String, _ tag: String, beside main: AMQPChannel, _ generation: UInt64
    ) async throws(AMQPError) -> (CompanionSource, number: Int)? {
        let known = state.withLockedValue { $0.redelivered.sources.last { $0.queue == queue }?.channel }
        let channel: AMQPChannel
        if let known, known.isOpen, known.connection === main.connection {
            channel = known
        } else {
            channel = try await main.connection.openChannel(confirms: false)
            try await channel.qos(prefetchCount: 1)
        }
        let source = CompanionSource(queue: queue, consumerTag: tag, channel: channel)
        let number = state.withLockedValue { state -> Int? in
            guard state.generation == generation, state.channel != nil,
                let number = state.redelivered.add(source)
            else { return nil }
            state.queues[tag] = queue
            return number
        }
        guard let number else {
            await channel.close()
            return nil
        }
        channel.onClose { [weak self] error in
            // A lost connection is noticed elsewhere.
            if error.code == .channelClosedByServer { self?.loseCompanion(number, generation) }
        }
        return (source, number)
    }

    /// Lets go of what has come from companions whose consumers the broker has cancelled although the companions are there:
    /// it has taken that back, and delivers it again.
    func leaveTakenBack(
        _ queues: [String], _ generation: UInt64, on connection: AMQPConnection
    ) async throws(AMQPError) {
        for queue in queues {
            do throws(AMQPError) {
                guard try await connection.hasQueue(RedeliveredMessage.companion(of: queue)) else { continue }
            } catch {
                guard error.code == .channelClosedByServer else { throw error }
                continue
            }
            let ended = state.withLockedValue { state in
                state.generation == generation ? state.redelivered.ended(of: queue) : nil
            }
            guard let ended else { continue }
            loseCompanion(ended.number, generation)
            await ended.channel.close()
        }
    }

    /// Forgets what has come on a companion's channel, which has ended, and consumes the companion again. The other
    /// channels stay.
    private func loseCompanion(_ number: Int, _ generation: UInt64) {
        let gate = state.withLockedValue { state -> Gate? in
            guard state.generation == generation, state.channel != nil,
                let source = state.redelivered.lose(number)
            else { return nil }
            state.buffer.removeAll { $0.consumerTag == source.consumerTag }
            for tag in state.held.keys where RedeliveredState.parts(of: tag)?.number == number {
                state.held[tag] = nil
                state.turn.end(tag)
            }
            defer { state.change = Gate() }
            return state.change
        }
        gate?.open()
    }
}
#endif
