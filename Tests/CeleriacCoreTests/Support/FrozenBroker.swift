import CeleriacCore
import CeleriacTestKit

/// A broker in memory that answers until it is frozen, as a server behind an open connection that stands still.
final class FrozenBroker: MessageBroker {
    fileprivate let base: MemoryBroker
    /// Opens when the first call waits for an answer.
    let isAwaited = Gate()
    private let frozen = Gate()
    private let thawed = Gate()

    init(_ base: MemoryBroker = MemoryBroker()) { self.base = base }

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
        FrozenConsumer(broker: self, base: try await base.consume(options))
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
