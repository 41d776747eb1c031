import CeleriacCore
import NIOConcurrencyHelpers

/// A broker whose consumers lose their connections when they are told to: what they hold comes again, by other receipts.
final class LosingBroker: WrappingBroker {
    private let memory: MemoryBroker
    private let consumers = NIOLockedValueBox<[LosingConsumer]>([])

    init(_ memory: MemoryBroker) { self.memory = memory }

    var base: any MessageBroker { memory }
    var workerSide: any MessageBroker { self }

    /// How many messages came again.
    var redelivered: Int { consumers.withLockedValue { $0.reduce(0) { $0 + $1.redelivered } } }

    func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = LosingConsumer(memory, options, try await memory.consume(options))
        consumers.withLockedValue { $0.append(consumer) }
        return consumer
    }

    func close() async { await memory.close() }

    /// Loses the connections of all consumers, which connect again at once.
    func loseConnections() async throws {
        for consumer in consumers.withLockedValue({ $0 }) { try await consumer.lose() }
    }
}

/// A consumer of a ``LosingBroker``.
private final class LosingConsumer: MessageConsumer {
    private struct State {
        var inner: any MessageConsumer
        var generation: UInt64 = 0
        var redelivered = 0
        var isStopped = false
    }
    private let state: NIOLockedValueBox<State>
    private let broker: MemoryBroker
    private let options: ConsumerOptions

    init(_ broker: MemoryBroker, _ options: ConsumerOptions, _ inner: any MessageConsumer) {
        self.broker = broker
        self.options = options
        state = NIOLockedValueBox(State(inner: inner))
    }

    var redelivered: Int { state.withLockedValue { $0.redelivered } }

    func lose() async throws {
        let next = try await broker.consume(options)
        let (lost, isStopped) = state.withLockedValue { state in
            let lost = state.inner
            state.inner = next
            state.generation += 1
            return (lost, state.isStopped)
        }
        try await lost.close()
        if isStopped { await next.stop() }
    }

    func next(atMost limit: Int) async throws -> [Delivery] {
        while true {
            let (inner, generation) = state.withLockedValue { ($0.inner, $0.generation) }
            let deliveries = try await inner.next(atMost: limit)
            let isCurrent = state.withLockedValue { state in
                guard state.generation == generation else { return false }
                state.redelivered += deliveries.filter(\.redelivered).count
                return true
            }
            guard isCurrent else {
                try await inner.giveBack(deliveries.map(\.receipt))
                continue
            }
            return deliveries.map { delivery in
                var delivery = delivery
                delivery.receipt.generation = generation
                return delivery
            }
        }
    }

    func isHeld(_ receipt: Receipt) -> Bool { state.withLockedValue { $0.generation == receipt.generation } }

    func settle(_ settlements: [Settlement]) async throws {
        let inner = state.withLockedValue { $0.inner }
        let held = settlements.filter { isHeld($0.receipt) }
        try await inner.settle(
            held.map { Settlement(Receipt(generation: 0, tag: $0.receipt.tag), $0.disposition) })
    }

    func stop() async {
        let inner = state.withLockedValue { state in
            state.isStopped = true
            return state.inner
        }
        await inner.stop()
    }

    func close() async throws { try await state.withLockedValue { $0.inner }.close() }
}
