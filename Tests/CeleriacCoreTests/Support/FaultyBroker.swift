import CeleriacCore
import NIOConcurrencyHelpers

/// A broker in memory that refuses some messages, and whose connection can be lost.
final class FaultyBroker: MessageBroker {
    private struct State {
        var error: (any Error & Sendable)?
        var generation: UInt64 = 1
        var held: Set<Receipt> = []
        var consumer: (any MessageConsumer)?
    }
    let base: MemoryBroker
    private let state = NIOLockedValueBox(State())

    init(_ base: MemoryBroker) { self.base = base }

    var name: String { base.name }

    /// Makes every later publish end with this error; nil makes it succeed.
    func refusePublishes(with error: (any Error & Sendable)?) { state.withLockedValue { $0.error = error } }

    /// Loses the connection: messages that are not settled go back and are delivered again.
    func loseConnection() async throws {
        let (consumer, held) = state.withLockedValue { state in
            defer {
                state.held = []
                state.generation += 1
            }
            return (state.consumer, state.held)
        }
        let receipts = held.sorted { $0.tag < $1.tag }.map { Receipt(generation: 0, tag: $0.tag) }
        try await consumer?.giveBack(receipts)
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        if let error = state.withLockedValue({ $0.error }) { throw error }
        try await base.publish(messages)
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = try await base.consume(options)
        state.withLockedValue { $0.consumer = consumer }
        return FaultyConsumer(broker: self, base: consumer)
    }

    func close() async { await base.close() }

    fileprivate func take(_ deliveries: [Delivery]) -> [Delivery] {
        state.withLockedValue { state in
            deliveries.map { delivery in
                var delivery = delivery
                delivery.receipt.generation = state.generation
                state.held.insert(delivery.receipt)
                return delivery
            }
        }
    }

    fileprivate func isHeld(_ receipt: Receipt) -> Bool { state.withLockedValue { $0.held.contains(receipt) } }

    fileprivate func settled(_ receipts: [Receipt]) -> [Receipt] {
        state.withLockedValue { state in receipts.filter { state.held.remove($0) != nil } }
    }
}

private struct FaultyConsumer: MessageConsumer {
    let broker: FaultyBroker
    let base: any MessageConsumer

    func next(atMost limit: Int) async throws -> [Delivery] { broker.take(try await base.next(atMost: limit)) }

    func isHeld(_ receipt: Receipt) -> Bool { broker.isHeld(receipt) }

    func settle(_ settlements: [Settlement]) async throws {
        let own = Set(broker.settled(settlements.map(\.receipt)))
        try await base.settle(
            settlements.filter { own.contains($0.receipt) }.map { settlement in
                Settlement(Receipt(generation: 0, tag: settlement.receipt.tag), settlement.disposition)
            })
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        try await base.giveBack(broker.settled(receipts).map { Receipt(generation: 0, tag: $0.tag) })
    }

    func stop() async { await base.stop() }

    func close() async throws { try await base.close() }
}
