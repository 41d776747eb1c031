import CeleriacCore
import CeleriacTestKit

/// A broker in memory that answers until it is frozen, as a server behind an open connection that stands still.
final class FrozenBroker: MessageBroker {
    fileprivate let base: MemoryBroker
    /// Opens when the first call waits for an answer.
    let isAwaited = Gate()
    private let frozen = Gate()
    private let thawed = Gate()

    /// Whether its consumers lose their messages with their connection.
    private let isLosing: Bool

    init(_ base: MemoryBroker = MemoryBroker(), isLosing: Bool = false) {
        self.base = base
        self.isLosing = isLosing
    }

    var name: String { base.name }

    /// How many messages are in a queue.
    func count(in queue: String) -> Int { base.count(in: queue) }

    func freeze() { frozen.open() }

    /// Lets all calls go on, so that no test leaves one behind.
    func thaw() { thawed.open() }

    fileprivate func answer() async {
        guard frozen.isOpen else { return }
        isAwaited.open()
        await thawed.wait()
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        await answer()
        try await base.publish(messages)
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = FrozenConsumer(broker: self, base: try await base.consume(options))
        return isLosing ? LosingFrozenConsumer(base: consumer) : consumer
    }

    func close() async {
        await answer()
        await base.close()
    }
}

private struct FrozenConsumer: MessageConsumer {
    let broker: FrozenBroker
    let base: any MessageConsumer

    var unsettledDescription: String? { "some; nobody knows" }

    func next(atMost limit: Int) async throws -> [Delivery] {
        let deliveries = try await base.next(atMost: limit)
        await broker.answer()
        return deliveries
    }

    func settle(_ settlements: [Settlement]) async throws {
        await broker.answer()
        try await base.settle(settlements)
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        await broker.answer()
        try await base.giveBack(receipts)
    }

    func stop() async {
        await broker.answer()
        await base.stop()
    }

    func close() async throws {
        await broker.answer()
        try await base.close()
    }
}

/// The same as of a transport whose broker gives back what a lost connection had.
private struct LosingFrozenConsumer: LosingConsumer {
    let base: FrozenConsumer

    var unsettledDescription: String? { "none" }

    func onLoss(_ action: (@Sendable () -> Void)?) {}
    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }
}
