import CeleriacCore
import NIOConcurrencyHelpers

/// A broker in memory whose consumer reads messages again that the worker has let go of.
final class ShelvingBroker: MessageBroker {
    fileprivate struct State {
        var consumer: (any MessageConsumer)?
        var deliveries: [Receipt: Delivery] = [:]
        /// What the worker has let go of.
        var shelved: Set<Receipt> = []
        var recalls: [Int] = []
        var settled: [Receipt] = []
        var givenBack: [Receipt] = []
        /// How often something was settled that the worker had let go of.
        var misuses = 0
        var isAway = false
        var failures = 0
    }
    private let base: MemoryBroker
    fileprivate let state = NIOLockedValueBox(State())

    init(_ base: MemoryBroker) { self.base = base }

    var name: String { base.name }
    var shelvedCount: Int { state.withLockedValue { $0.shelved.count } }
    /// How many messages were read again, each time.
    var recalls: [Int] { state.withLockedValue { $0.recalls } }
    var settledCount: Int { state.withLockedValue { $0.settled.count } }
    var givenBack: [Receipt] { state.withLockedValue { $0.givenBack } }
    var misuses: Int { state.withLockedValue { $0.misuses } }
    /// How often it did not answer while it was out of reach.
    var failures: Int { state.withLockedValue { $0.failures } }

    /// Is out of reach for those who read messages again, or no longer.
    func setAway(_ isAway: Bool) { state.withLockedValue { $0.isAway = isAway } }

    /// Has another worker take over what the worker has let go of.
    func restoreElsewhere() async throws {
        let (consumer, receipts) = state.withLockedValue { state in
            defer { state.shelved = [] }
            return (state.consumer, Array(state.shelved))
        }
        try await consumer?.settle(receipts.map { Settlement($0, .acknowledge) })
    }

    func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }
    func close() async { await base.close() }
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = try await base.consume(options)
        state.withLockedValue { $0.consumer = consumer }
        return ShelvingConsumer(broker: self, base: consumer)
    }
}

private struct ShelvingConsumer: PayloadKeepingConsumer {
    let broker: ShelvingBroker
    let base: any MessageConsumer

    func letGo(_ receipts: [Receipt]) {
        broker.state.withLockedValue { state in
            state.shelved.formUnion(receipts.filter { state.deliveries[$0] != nil })
        }
    }

    func recall(_ receipts: [Receipt]) async throws -> [Delivery?] {
        try broker.state.withLockedValue { state -> [Delivery?] in
            guard !state.isAway else {
                state.failures += 1
                throw CeleriacError(.unavailable, "it is away")
            }
            state.recalls.append(receipts.count)
            return receipts.map { receipt in
                state.shelved.remove(receipt).flatMap { state.deliveries[$0] }
            }
        }
    }

    func look(at receipts: [Receipt]) async throws -> [Delivery?] {
        try broker.state.withLockedValue { state -> [Delivery?] in
            if state.isAway { throw CeleriacError(.unavailable, "it is away") }
            return receipts.map { state.shelved.contains($0) ? state.deliveries[$0] : nil }
        }
    }

    func next(atMost limit: Int) async throws -> [Delivery] {
        let deliveries = try await base.next(atMost: limit)
        broker.state.withLockedValue { state in
            for delivery in deliveries { state.deliveries[delivery.receipt] = delivery }
        }
        return deliveries
    }

    func settle(_ settlements: [Settlement]) async throws {
        broker.state.withLockedValue { state in
            state.settled += settlements.map(\.receipt)
            let shelved = state.shelved
            state.misuses += settlements.count { shelved.contains($0.receipt) }
        }
        try await base.settle(settlements)
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        broker.state.withLockedValue { $0.givenBack += receipts }
        try await base.giveBack(receipts)
    }

    func addQueue(_ queue: TaskQueue) async throws { try await base.addQueue(queue) }
    func removeQueue(_ name: String) async throws { try await base.removeQueue(name) }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }
}
