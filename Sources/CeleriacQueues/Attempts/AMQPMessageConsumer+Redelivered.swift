#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// How the consumer moves messages that come back to the companions of their queues.
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
        // A broker that is short of memory or disk takes nothing, perhaps for hours: the message begins uncounted.
        guard try await parking.connection().blockedReason == nil else { return }
        let count = delivery.message.movedAttempts + 1
        let message = delivery.moved(attempts: count, from: queue, to: .companion)
        let name = name(of: delivery, from: queue)
        state.withLockedValue { _ = $0.redelivered.moving.insert(name) }
        var failure: AMQPError?
        do throws(AMQPError) {
            defer { endMove(of: name) }
            guard try await replace(receipt, delivery, by: message, queue: queue) else { return }
        } catch {
            let isUncertain = !error.nothingSent && error.code != .nacked && error.code != .returned
            guard isUncertain else { throw error }
            state.withLockedValue { $0.redelivered.uncertain.add(name, count: count) }
            failure = error
        }
        await consumeCompanion(of: queue)
        if let failure { throw failure }
    }

    /// The name of the message in a delivery; empty if it has none.
    func name(of delivery: AMQPDelivery, from queue: String) -> String {
        topology.name(of: delivery.message.unmoved(queue: queue)) ?? ""
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
    ) async throws(AMQPError) -> Bool {
        let isMoved = try await publish(message, toCompanionOf: queue, isQuorum: delivery.isFromQuorumQueue)
        guard isMoved else { return false }
        let now = timers.now
        let channels = state.withLockedValue { state -> SettlingChannels? in
            guard receipt.generation == state.generation, state.held.removeValue(forKey: receipt.tag) != nil else {
                return nil
            }
            topology.willSettle(delivery, as: .acknowledge)
            state.turn.pass(from: receipt.tag, to: queue, now: now)
            return state.channels
        }
        // The copy must not begin, and perhaps kill this process, while the broker might still bring the original back.
        await channels?.ackForGood(receipt.tag)
        return true
    }

    package func hasLost(_ receipt: Receipt) async -> Bool {
        let (isLost, channels) = state.withLockedValue { state -> (Bool, SettlingChannels?) in
            guard receipt.generation == state.generation else { return (false, nil) }
            if state.redelivered.hasLost(receipt.tag) { return (true, nil) }
            // The broker did not confirm that it was moved, but the copy has come: that one counts from now on.
            guard !state.redelivered.uncertain.isEmpty, let delivery = state.held[receipt.tag],
                state.redelivered.uncertain.takeCopy(
                    of: name(of: delivery, from: state.queue(of: delivery)), count: delivery.message.movedAttempts)
            else { return (false, nil) }
            state.held[receipt.tag] = nil
            topology.willSettle(delivery, as: .acknowledge)
            return (true, state.channels)
        }
        channels?.ack([receipt.tag])
        return isLost
    }

    /// Publishes again what cannot go back by a negative acknowledgement, since the broker or we would count that, and
    /// then acknowledges it. What cannot be published goes back all the same, unless the worker tries again.
    func putBack(_ returned: [ReturnedDelivery], isTriedAgain: Bool = false) async throws(AMQPError) {
        guard !returned.isEmpty else { return }
        var (published, kept): ([ReturnedDelivery], [ReturnedDelivery]) = ([], returned)
        var failure: AMQPError?
        do throws(AMQPError) {
            try await parking.refuseIfBlocked()
            let outcomes = try await parking.publish(
                returned.map { AMQPPublish(routingKey: $0.target, mandatory: true, message: $0.message) })
            published = zip(returned, outcomes).filter { $1.error == nil }.map(\.0)
            kept = zip(returned, outcomes).filter { $1.error != nil }.map(\.0)
            failure = outcomes.lazy.compactMap(\.error).first
        } catch {
            failure = error
        }
        let channels = state.withLockedValue { state -> SettlingChannels? in
            // Deliveries of an earlier generation have gone back already.
            published.removeAll { $0.generation != state.generation }
            kept.removeAll { $0.generation != state.generation }
            guard isTriedAgain, !state.isStopped else { return state.channels }
            for delivery in kept { state.held[delivery.tag] = delivery.delivery }
            kept = []
            return state.channels
        }
        channels?.ack(published.map(\.tag))
        channels?.nack(kept.map(\.tag), requeue: true)
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

    /// Counts nothing in a queue from now on.
    func refuse(_ queue: String, _ error: AMQPError) {
        guard state.withLockedValue({ $0.redelivered.refused.insert(queue).inserted }) else { return }
        logger.warning(
            "the worker may not use the queue by which it counts attempts: nothing limits them",
            metadata: [
                "queue": "\(queue)", "needed": "\(RedeliveredMessage.companion(of: queue))", "error": "\(error)",
            ])
    }
}

extension AMQPError {
    /// Whether the broker refused the use of a queue: the right is missing (403), or what exists is another kind (406).
    var isRefusalOfQueue: Bool {
        code == .channelClosedByServer && (replyCode == 403 || replyCode == 406)
    }
}
#endif
