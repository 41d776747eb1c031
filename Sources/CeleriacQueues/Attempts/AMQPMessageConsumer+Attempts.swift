#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import NIOConcurrencyHelpers

/// A message that has come back, as a result store counts it.
struct CountedMessage {
    /// The message's name in the store.
    let name: String
    /// Whether this consumer has counted that it begins.
    var isCounted = false
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
        for (place, count) in zip(places, attempts) { deliveries[place].attempts += count }
        return deliveries
    }

    package func markBegun(_ receipts: [Receipt]) async throws {
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
}
#endif
