#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// How the consumer moves messages that come back to the companions of their queues, and consumes those.
extension AMQPMessageConsumer {
    /// Moves a message that is about to begin, so that it begins when it is delivered again, counted. It is then no
    /// longer held. Nothing happens if it need not be counted, or was when it was moved here.
    func move(_ receipt: Receipt) async throws {
        guard
            let (delivery, queue) = state.withLockedValue({ state -> (AMQPDelivery, String)? in
                guard receipt.generation == state.generation, let delivery = state.held[receipt.tag] else { return nil }
                let queue = state.queue(of: delivery)
                return state.redelivered.refused.contains(queue) ? nil : (delivery, queue)
            }), delivery.hasComeBack, delivery.defect == nil
        else { return }
        let message = delivery.moved(attempts: delivery.message.movedAttempts + 1, from: queue, to: .companion)
        let name = topology.name(of: message.unmoved(queue: queue)) ?? ""
        state.withLockedValue { _ = $0.redelivered.moving.insert(name) }
        do {
            defer { endMove(of: name) }
            guard try await replace(receipt, delivery, by: message, queue: queue) else { return }
        }
        await consumeCompanion(of: queue)
    }

    private func endMove(of name: String) {
        let gate = state.withLockedValue { state in
            state.redelivered.moving.remove(name)
            defer { state.change = Gate() }
            return state.change
        }
        gate.open()
    }

    /// Publishes a message to the companion of its queue and acknowledges the one that it replaces.
    ///
    /// - Returns: whether the companion has it.
    private func replace(
        _ receipt: Receipt, _ delivery: AMQPDelivery, by message: WireMessage, queue: String
    ) async throws -> Bool {
        let isMoved = try await publish(message, toCompanionOf: queue, isQuorum: delivery.deliveryCount != nil)
        guard isMoved else { return false }
        let channels = state.withLockedValue { state -> SettlingChannels? in
            guard receipt.generation == state.generation, state.held.removeValue(forKey: receipt.tag) != nil else {
                return nil
            }
            topology.willSettle(delivery, as: .acknowledge)
            return state.channels
        }
        // The copy must not begin, and perhaps kill this process, while the broker might still bring the original back.
        await channels?.ackForGood(receipt.tag)
        return true
    }

    /// Publishes again what cannot go back by a negative acknowledgement, since the broker or we would count that, and
    /// then acknowledges it. What cannot be published goes back all the same.
    func putBack(_ returned: [ReturnedDelivery]) async throws(AMQPError) {
        guard !returned.isEmpty else { return }
        var (published, kept): ([ReturnedDelivery], [ReturnedDelivery]) = ([], returned)
        var failure: AMQPError?
        do throws(AMQPError) {
            let outcomes = try await parking.publish(
                returned.map { AMQPPublish(routingKey: $0.target, mandatory: true, message: $0.message) })
            published = zip(returned, outcomes).filter { $1.error == nil }.map(\.0)
            kept = zip(returned, outcomes).filter { $1.error != nil }.map(\.0)
            failure = outcomes.lazy.compactMap(\.error).first
        } catch {
            failure = error
        }
        // Deliveries of an earlier generation have gone back already.
        let (channels, generation) = state.withLockedValue { ($0.channels, $0.generation) }
        channels?.ack(published.filter { $0.generation == generation }.map(\.tag))
        channels?.nack(kept.filter { $0.generation == generation }.map(\.tag), requeue: true)
        if let failure { throw failure }
    }

    /// Publishes a message to the companion of its queue, which is made if it does not exist.
    ///
    /// - Returns: whether the broker has it; false if the worker has no right to the companion.
    private func publish(
        _ message: WireMessage, toCompanionOf queue: String, isQuorum: Bool
    ) async throws(AMQPError) -> Bool {
        let companion = RedeliveredMessage.companion(of: queue)
        do throws(AMQPError) {
            for isLastTry in [false, true] {
                let isDeclared = state.withLockedValue { $0.redelivered.declared.contains(queue) }
                if !isDeclared || isLastTry { try await declareCompanion(of: queue, isQuorum: isQuorum) }
                let publish = AMQPPublish(routingKey: companion, mandatory: true, message: message)
                guard let error = try await publishOnceReady(publish) else { return true }
                // Somebody has deleted the queue.
                guard error.code == .returned, !isLastTry else { throw error }
            }
            return false
        } catch {
            guard error.isRefusalOfQueue else { throw error }
            refuse(queue, error)
            return false
        }
    }

    /// Publishes a message, again and again for a few seconds if the broker refuses it. A quorum queue refuses messages
    /// while it has no leader, and so does one that another slot or worker is just declaring: it exists before it can
    /// take messages.
    private func publishOnceReady(_ publish: AMQPPublish) async throws(AMQPError) -> AMQPError? {
        var backoff = Backoff(first: .milliseconds(50))
        var retries = 6
        while true {
            let error = try await parking.publish([publish]).first?.error
            guard let error, error.code == .nacked, retries > 0 else { return error }
            retries -= 1
            await Gate().wait(atMost: backoff.next(), timers: timers)
        }
    }

    private func declareCompanion(of queue: String, isQuorum: Bool) async throws(AMQPError) {
        let companion = RedeliveredMessage.companion(of: queue)
        let connection = try await parking.connection()
        // An existing queue is used as it is, whatever its arguments.
        if try await !connection.hasQueue(companion) {
            try await connection.withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare(
                    companion, durable: true,
                    arguments: RedeliveredMessage.arguments(of: queue, isQuorum: isQuorum))
            }
        }
        state.withLockedValue { _ = $0.redelivered.declared.insert(queue) }
    }

    private func refuse(_ queue: String, _ error: AMQPError) {
        guard state.withLockedValue({ $0.redelivered.refused.insert(queue).inserted }) else { return }
        logger.warning(
            "the worker may not use the queue by which it counts attempts: nothing limits them",
            metadata: [
                "queue": "\(queue)", "needed": "\(RedeliveredMessage.companion(of: queue))", "error": "\(error)",
            ])
    }

    // MARK: Consuming

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
    private func consumeCompanion(of queue: String) async {
        let tag = state.withLockedValue { state -> String? in
            guard let channel = state.channel, channel.isOpen, !state.isStopped, state.served.contains(queue),
                !state.redelivered.isOpening, !state.redelivered.tags.values.contains(queue)
            else { return nil }
            state.redelivered.isOpening = true
            defer { state.nextTag += 1 }
            return topology.consumerTag(state.nextTag, nodeName: options.nodeName)
        }
        guard let tag else { return }
        defer { state.withLockedValue { $0.redelivered.isOpening = false } }
        do throws(AMQPError) {
            guard let channel = try await companionChannel() else { return }
            let generation = state.withLockedValue { state in
                state.queues[tag] = queue
                state.redelivered.tags[tag] = queue
                return state.generation
            }
            try await channel.consume(queue: RedeliveredMessage.companion(of: queue), consumerTag: tag) {
                [weak self] events in self?.receive(events, from: tag, generation: generation)
            }
            if state.withLockedValue({ $0.isStopped }) { try await channel.cancel(consumerTag: tag) }
        } catch {
            state.withLockedValue { $0.redelivered.tags[tag] = nil }
            if error.isRefusalOfQueue { return refuse(queue, error) }
            logger.debug(
                "cannot consume messages that came back", metadata: ["queue": "\(queue)", "error": "\(error)"])
        }
    }

    /// The channel of the companions, made now if there is none. It has a limit of its own: one message of each queue.
    private func companionChannel() async throws(AMQPError) -> AMQPChannel? {
        let (main, known, generation) = state.withLockedValue { ($0.channel, $0.redelivered.channel, $0.generation) }
        if let known, known.isOpen { return known }
        guard let main else { return nil }
        let channel = try await main.connection.openChannel(confirms: false)
        try await channel.qos(prefetchCount: 1)
        let isCurrent = state.withLockedValue { state in
            guard state.generation == generation, state.channel != nil else { return false }
            state.redelivered.channel = channel
            return true
        }
        guard isCurrent else {
            await channel.close()
            return nil
        }
        channel.onClose { [weak self] error in self?.loseCompanions(generation, error) }
        return channel
    }

    /// Forgets the companions' channel. If the worker holds deliveries of it, the other channel goes as well: what
    /// comes again is known by its new generation.
    private func loseCompanions(_ generation: UInt64, _ error: AMQPError) {
        let isHolding = state.withLockedValue { state in
            guard state.generation == generation, state.channel != nil else { return false }
            let isHolding = state.held.keys.contains { $0 & RedeliveredState.bit != 0 }
            let tags = state.redelivered.tags
            state.buffer.removeAll { tags[$0.consumerTag] != nil }
            state.redelivered.channel = nil
            state.redelivered.tags = [:]
            return isHolding
        }
        if isHolding { lose(generation, error) }
    }
}

extension AMQPError {
    /// Whether the broker refused the use of a queue: the right is missing (403), or what exists is another kind (406).
    fileprivate var isRefusalOfQueue: Bool {
        code == .channelClosedByServer && (replyCode == 403 || replyCode == 406)
    }
}
#endif
