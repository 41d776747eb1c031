import CeleriacCore
import NIOConcurrencyHelpers

/// A broker in memory that refuses the calls of cancelled tasks, as RabbitMQ's transport does, and notes those that
/// come after its consumer was closed.
final class StrictBroker: MessageBroker {
    private struct State {
        var refused: [String] = []
        var late: [String] = []
        var isConsumerClosed = false
    }
    fileprivate let base: MemoryBroker
    private let state = NIOLockedValueBox(State())

    init(_ base: MemoryBroker) { self.base = base }

    var name: String { base.name }

    /// The calls that came from cancelled tasks.
    var refused: [String] { state.withLockedValue { $0.refused } }

    /// The calls of the consumer that came after it was closed.
    var late: [String] { state.withLockedValue { $0.late } }

    /// Whether the consumer was closed.
    var isConsumerClosed: Bool { state.withLockedValue { $0.isConsumerClosed } }

    func publish(_ messages: [OutgoingMessage]) async throws {
        try admit("publish")
        try await base.publish(messages)
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        StrictConsumer(broker: self, base: try await base.consume(options))
    }

    func close() async { await base.close() }

    fileprivate func admit(_ call: String) throws {
        guard Task.isCancelled else { return }
        state.withLockedValue { $0.refused.append(call) }
        throw CancellationError()
    }

    fileprivate func admit(ofConsumer call: String) throws {
        state.withLockedValue { if $0.isConsumerClosed { $0.late.append(call) } }
        try admit(call)
    }

    fileprivate func consumerCloses() { state.withLockedValue { $0.isConsumerClosed = true } }
}

private struct StrictConsumer: MessageConsumer {
    let broker: StrictBroker
    let base: any MessageConsumer

    func next(atMost limit: Int) async throws -> [Delivery] {
        try broker.admit(ofConsumer: "next")
        return try await base.next(atMost: limit)
    }

    func settle(_ settlements: [Settlement]) async throws {
        try broker.admit(ofConsumer: "settle")
        try await base.settle(settlements)
    }

    func hold(_ count: Int) async throws { try broker.admit(ofConsumer: "hold") }

    func giveBack(_ receipts: [Receipt]) async throws {
        try broker.admit(ofConsumer: "giveBack")
        try await base.giveBack(receipts)
    }

    func addQueue(_ queue: TaskQueue) async throws { try broker.admit(ofConsumer: "addQueue") }

    func removeQueue(_ name: String) async throws { try broker.admit(ofConsumer: "removeQueue") }

    func stop() async { await base.stop() }

    func close() async throws {
        broker.consumerCloses()
        try await base.close()
    }
}
