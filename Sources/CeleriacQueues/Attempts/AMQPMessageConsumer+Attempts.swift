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

    /// Whether a counted beginning of it has not ended: it may be what killed a process.
    var isSuspect: Bool { attempts > 0 }
}

extension AMQPConsumerState {
    /// Lets a suspect begin if no other runs. Otherwise what ran beside a task that kills its process, and what ended
    /// just before, would be counted with it time and again.
    ///
    /// - Returns: the gate that opens when the suspect may ask again; nil if it may begin now.
    mutating func admitSuspect(_ tag: UInt64) -> Gate? {
        if let suspect, suspect != tag, held[suspect] != nil { return suspectEnded }
        suspect = tag
        return nil
    }

    /// Lets the next suspect ask if the one that ran is no longer held.
    mutating func endSuspect() {
        guard let ended = suspect, held[ended] == nil else { return }
        suspect = nil
        suspectEnded.open()
        suspectEnded = Gate()
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
        guard let counter = options.attemptCounter else {
            for receipt in receipts { try await move(receipt) }
            return
        }
        for receipt in receipts { await waitForTurn(receipt) }
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

    /// Waits until no other suspect runs, but not for long: that one may be a task of hours. A stop gives a suspect
    /// that waits back.
    private func waitForTurn(_ receipt: Receipt) async {
        let patience = timers.now.addingTimeInterval(Self.suspectPatience.seconds)
        while true {
            let (gate, returned) = state.withLockedValue { state -> (Gate?, SettlingChannels?) in
                guard receipt.generation == state.generation, state.counted[receipt.tag]?.isSuspect == true,
                    let gate = state.admitSuspect(receipt.tag)
                else { return (nil, nil) }
                guard state.isStopped else { return (gate, nil) }
                state.held[receipt.tag] = nil
                state.counted[receipt.tag] = nil
                return (nil, state.channels)
            }
            returned?.nack([receipt.tag], requeue: true)
            let remaining = patience.timeIntervalSince(timers.now)
            guard let gate, remaining > 0 else { return }
            await gate.wait(atMost: .seconds(remaining), timers: timers)
        }
    }

    /// How long a suspect waits for another.
    private static var suspectPatience: Duration { .seconds(10) }
}
#endif
