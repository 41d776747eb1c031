#if AMQP
import CeleriacAMQP
package import CeleriacCore
import Logging
import NIOConcurrencyHelpers

/// How the consumer gives messages back behind all others, which AMQP has no method for: it publishes them anew and
/// then acknowledges them. If the connection is lost in between, the broker has them twice.
extension AMQPMessageConsumer: YieldingConsumer {
    /// How many messages it publishes anew before it acknowledges them: so many at most are twice at the broker.
    private static let portion = 100

    package func giveBackToEnd(_ receipts: [Receipt]) async throws {
        for start in stride(from: 0, to: receipts.count, by: Self.portion) {
            let portion = receipts[start..<min(start + Self.portion, receipts.count)]
            let (returned, others) = state.withLockedValue { state in
                let known = portion.filter { $0.generation == state.generation && state.held[$0.tag] != nil }
                let returned = known.compactMap { state.giveBackToEnd($0.tag) }
                let tags = Set(returned.map(\.tag))
                state.settling += returned.count
                return (returned, known.filter { !tags.contains($0.tag) })
            }
            defer { if !returned.isEmpty { state.withLockedValue { $0.settling -= returned.count } } }
            if !others.isEmpty { try await giveBack(others) }
            try await putBack(returned, isTriedAgain: true)
        }
    }

    /// Publishes anew what the broker may soon drop, so that it counts deliveries from none again. What cannot be
    /// published stays with the worker.
    ///
    /// - Parameters:
    ///   - worn: what the broker may drop.
    ///   - deliveries: these and others that the worker has taken.
    /// - Returns: those that it still has.
    func renew(_ worn: [Receipt], among deliveries: [Delivery]) async -> [Delivery] {
        do {
            try await giveBackToEnd(worn)
        } catch {
            logger.warning(
                "could not publish messages anew: the broker may drop them when they have been delivered too often",
                metadata: ["messages": "\(worn.count)", "error": "\(error)"])
        }
        return deliveries.filter { isHeld($0.receipt) }
    }
}

extension AMQPConsumerState {
    /// Lets go of a held delivery, if it may be published anew at the end of its queue.
    ///
    /// - Returns: how it goes back; nil if it must go back in another way, because it cannot be read or comes from a
    ///   companion.
    fileprivate mutating func giveBackToEnd(_ tag: UInt64) -> ReturnedDelivery? {
        guard let delivery = held[tag], delivery.defect == nil, !isFromCompanion(delivery) else { return nil }
        held[tag] = nil
        counted[tag] = nil
        turn.end(tag)
        let queue = queue(of: delivery)
        // The broker will not say any more that it has come back, so the message says so.
        let attempts = max(delivery.message.movedAttempts, delivery.hasComeBack ? 1 : 0)
        return ReturnedDelivery(
            generation: generation, tag: tag, target: queue,
            message: delivery.moved(attempts: attempts, from: queue, to: .queue), delivery: delivery)
    }
}
#endif
