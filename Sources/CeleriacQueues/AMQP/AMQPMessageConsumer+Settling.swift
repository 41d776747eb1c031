#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// How the consumer settles deliveries and gives them back.
extension AMQPMessageConsumer {
    package func settle(_ settlements: [Settlement]) async throws { _ = try await parkedCount(settling: settlements) }

    /// Settles deliveries.
    ///
    /// - Returns: how many of them were parked.
    func parkedCount(settling settlements: [Settlement]) async throws -> Int {
        var acknowledged: [UInt64] = []
        var rejected: [UInt64] = []
        var requeued: [UInt64] = []
        var parked: [ParkingDelivery] = []
        var unparkable: [(queue: String, reason: String)] = []
        var ended: [String] = []
        var uncounted: [String] = []
        var returned: [ReturnedDelivery] = []
        var movedAndRejected: [RejectedDelivery] = []
        let time = timers.now
        let (channels, generation, settling) = state.withLockedValue { state -> (SettlingChannels?, UInt64, Int) in
            for settlement in settlements where settlement.receipt.generation == state.generation {
                let tag = settlement.receipt.tag
                guard let delivery = state.held.removeValue(forKey: tag) else { continue }
                topology.willSettle(delivery, as: settlement.disposition)
                let counted = state.counted.removeValue(forKey: tag)
                state.turn.end(tag)
                if settlement.disposition != .requeue, !state.redelivered.uncertain.isEmpty {
                    state.redelivered.uncertain.end(name(of: delivery, from: state.queue(of: delivery)))
                }
                switch settlement.disposition {
                case .acknowledge:
                    acknowledged.append(tag)
                    if let counted { ended.append(counted.name) }
                case .reject:
                    if state.isFromCompanion(delivery), delivery.defect == nil {
                        movedAndRejected.append(
                            RejectedDelivery(
                                generation: state.generation, tag: tag, queue: state.queue(of: delivery),
                                delivery: delivery))
                    } else {
                        rejected.append(tag)
                    }
                    if let counted { ended.append(counted.name) }
                case .requeue:
                    if let delivery = state.returned(delivery, tag: tag) {
                        returned.append(delivery)
                    } else {
                        requeued.append(tag)
                    }
                    if let counted, counted.isCounted { uncounted.append(counted.name) }
                case .park(let fault):
                    let queue = state.queue(of: delivery)
                    guard !delivery.lacksBody else {
                        unparkable.append((queue, fault.detail))
                        continue
                    }
                    let message = delivery.parked(
                        for: fault, queue: queue, worker: options.nodeName, time: topology.text(of: time))
                    parked.append(
                        ParkingDelivery(
                            tag: tag, queue: queue, message: message, delivery: delivery, counted: counted))
                }
            }
            let settling = parked.count + returned.count + movedAndRejected.count
            state.settling += settling
            return (state.channels, state.generation, settling)
        }
        defer { if settling > 0 { state.withLockedValue { $0.settling -= settling } } }
        guard let channels else { return 0 }
        var failure: AMQPError?
        options.attemptCounter?.uncount(uncounted)
        defer { options.attemptCounter?.forget(ended) }
        if !acknowledged.isEmpty { channels.ack(acknowledged) }
        if !rejected.isEmpty { channels.nack(rejected, requeue: false) }
        if !requeued.isEmpty { channels.nack(requeued, requeue: true) }
        var parkedCount = 0
        if !parked.isEmpty {
            do {
                let failures = try await setAside(parked.map { ($0.queue, $0.message) })
                let done = zip(parked, failures).filter { $1 == nil }.map(\.0)
                channels.ack(done.map(\.tag))
                parkedCount = done.count
                ended += done.compactMap(\.counted?.name)
                for (message, failure) in zip(parked, failures) {
                    if let failure { unparkable.append((message.queue, "\(failure)")) }
                }
            } catch {
                failure = error
                let isKept = state.withLockedValue { $0.keep(parked, generation: generation) }
                if !isKept { channels.nack(parked.map(\.tag), requeue: true) }
            }
        }
        if !unparkable.isEmpty { await strand(unparkable) }
        // What goes wrong with some must not leave the others unsettled.
        do { try await putBack(returned) } catch { failure = error }
        do { try await reject(movedAndRejected) } catch { failure = error }
        if let failure { throw failure }
        return parkedCount
    }

    /// Leaves messages that can be neither run nor parked unsettled: they stay in their queues, the broker does not
    /// redeliver them over and over, and they take no place in the prefetch window.
    private func strand(_ messages: [(queue: String, reason: String)]) async {
        for message in messages {
            logger.error(
                "a message can be neither run nor parked: it stays in its queue, unacknowledged, while this worker runs",
                metadata: ["queue": "\(message.queue)", "reason": "\(message.reason)"])
        }
        state.withLockedValue { $0.stranded += messages.count }
        try? await changeLimit()
    }

    package func giveBack(_ receipts: [Receipt]) async throws {
        let (channels, tags, returned) = state.withLockedValue { state in
            var deliveries = receipts.compactMap { receipt -> (UInt64, AMQPDelivery)? in
                guard receipt.generation == state.generation else { return nil }
                state.counted[receipt.tag] = nil
                state.turn.end(receipt.tag)
                return state.held.removeValue(forKey: receipt.tag).map { (receipt.tag, $0) }
            }
            if state.isStopped { deliveries += state.leaveUntaken().map { (state.receiptTag(of: $0), $0) } }
            var (tags, returned): ([UInt64], [ReturnedDelivery]) = ([], [])
            for (tag, delivery) in deliveries {
                if let delivery = state.returned(delivery, tag: tag) {
                    returned.append(delivery)
                } else {
                    tags.append(tag)
                }
            }
            state.settling += returned.count
            return (state.channels, tags, returned)
        }
        defer { if !returned.isEmpty { state.withLockedValue { $0.settling -= returned.count } } }
        if !tags.isEmpty { channels?.nack(tags, requeue: true) }
        try await putBack(returned, isTriedAgain: true)
    }
}
#endif
