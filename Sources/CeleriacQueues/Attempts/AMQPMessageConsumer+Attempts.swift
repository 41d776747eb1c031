#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// A message that has come back, as a result store counts it.
struct CountedMessage {
    /// The message's name in the store.
    let name: String
    /// How often it was begun after it had come back.
    var attempts = 0
    /// Whether this consumer has counted that it begins.
    var isCounted = false
}

extension AMQPConsumerState {
    /// Whether a held message may be what killed a process. Of those that are moved before they begin, a companion
    /// delivers one at a time in any case.
    func isSuspect(_ tag: UInt64, countsInMessages: Bool) -> Bool {
        guard countsInMessages else {
            return counted[tag].map { turn.isSuspect(attempts: $0.attempts, hasComeBack: true) } ?? false
        }
        return held[tag].map { attempts(of: $0) > 0 } ?? false
    }

    /// The queue whose companion a held message is in, or will be moved to before it begins.
    func companionQueue(of tag: UInt64) -> String? {
        guard let delivery = held[tag], isFromCompanion(delivery) || delivery.hasComeBack else { return nil }
        return queue(of: delivery)
    }
}

/// How the consumer counts attempts. A first beginning is never counted; one of a message that has come back is, by a
/// result store that counts or else in the message, which is moved.
extension AMQPMessageConsumer {
    /// Asks the result store how often messages that have come back were begun. Without an answer they are delivered as
    /// if they had never begun.
    func withAttempts(_ deliveries: [Delivery]) async -> [Delivery] {
        guard let counter = options.attemptCounter else { return deliveries }
        var places: [Int] = []
        var names: [String] = []
        for (place, delivery) in deliveries.enumerated() where delivery.redelivered {
            guard let message = try? delivery.content.get(), let name = topology.name(of: message) else { continue }
            places.append(place)
            names.append(name)
        }
        if names.isEmpty { return deliveries }
        state.withLockedValue { state in
            for (place, name) in zip(places, names) {
                let receipt = deliveries[place].receipt
                guard receipt.generation == state.generation else { continue }
                state.counted[receipt.tag] = CountedMessage(name: name)
            }
        }
        guard let attempts = try? await counter.attempts(of: names) else { return deliveries }
        var deliveries = deliveries
        state.withLockedValue { state in
            for (place, count) in zip(places, attempts) {
                deliveries[place].attempts += count
                let receipt = deliveries[place].receipt
                if receipt.generation == state.generation { state.counted[receipt.tag]?.attempts = count }
            }
        }
        return deliveries
    }

    package func markBegun(_ receipts: [Receipt]) async throws {
        for receipt in receipts { await waitForTurn(receipt) }
        guard let counter = options.attemptCounter else {
            for receipt in receipts { try await move(receipt) }
            return
        }
        let counted = state.withLockedValue { state in
            receipts.filter { $0.generation == state.generation }.compactMap { receipt in
                state.counted[receipt.tag].map { (receipt, $0.name) }
            }
        }
        guard !counted.isEmpty else { return }
        try await counter.count(counted.map(\.1))
        state.withLockedValue { state in
            for (receipt, _) in counted where receipt.generation == state.generation {
                state.counted[receipt.tag]?.isCounted = true
            }
        }
    }

    /// Waits until no other suspect runs. A stop gives back one that waits.
    private func waitForTurn(_ receipt: Receipt) async {
        let countsInMessages = options.attemptCounter == nil
        await SuspectTurn.wait(timers) { now in
            state.withLockedValue { state in
                guard receipt.generation == state.generation, !state.isStopped,
                    state.isSuspect(receipt.tag, countsInMessages: countsInMessages)
                else { return nil }
                let queue = countsInMessages ? state.companionQueue(of: receipt.tag) : nil
                return state.turn.take(receipt.tag, of: queue, now: now)
            }
        }
        let isUnbegun = state.withLockedValue { state in
            receipt.generation == state.generation && state.isStopped
                && state.isSuspect(receipt.tag, countsInMessages: countsInMessages)
        }
        // What cannot be published goes back all the same, since the consumer has stopped.
        if isUnbegun { try? await giveBack([receipt]) }
    }
}
#endif
