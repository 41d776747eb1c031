package import CeleriacCore
import NIOConcurrencyHelpers

/// Runs tasks while they are sent: Machinery's eager mode. A send returns when this process's worker has settled the
/// task and everything that the task sent in turn. Delayed tasks run at their time.
///
/// A send from within a task does not wait, or a worker whose slots are all taken would wait for itself; the send that
/// began it all waits for both.
///
/// Without a worker the broker refuses a send.
package final class MachineryEagerBroker: MessageBroker {
    private struct State {
        var outstanding = 0
        var idle: [Gate] = []
        var consumers = 0
    }
    fileprivate let memory = MemoryBroker()
    private let state = NIOLockedValueBox(State())

    /// Creates an empty broker.
    package init() {}

    /// `eager`.
    package var name: String { "eager" }

    /// Hands messages to the worker and, outside of tasks, waits until all are settled.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` when no worker runs in this process.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        guard state.withLockedValue({ $0.consumers > 0 }) else {
            throw CeleriacError(.unavailable, "worker is not assigned in eager-mode")
        }
        try await hand(over: messages)
        if TaskWorker.isCurrent { return }
        let gate: Gate? = try state.withLockedValue { state in
            guard state.outstanding > 0 else { return nil }
            // The worker may have ended meanwhile.
            guard state.consumers > 0 else {
                throw CeleriacError(.unavailable, "the worker of eager mode has ended, and the task has not run")
            }
            let gate = Gate()
            state.idle.append(gate)
            return gate
        }
        await gate?.wait()
    }

    /// Hands over, without waiting, messages that a worker sends while it works.
    fileprivate func hand(over messages: [OutgoingMessage]) async throws {
        state.withLockedValue { $0.outstanding += messages.count }
        do {
            try await memory.publish(messages)
        } catch {
            dealtWith(messages.count)
            throw error
        }
    }

    /// Notes that messages have ended.
    fileprivate func dealtWith(_ count: Int) {
        let waiting = state.withLockedValue { state in
            state.outstanding -= count
            guard state.outstanding <= 0 else { return [Gate]() }
            defer { state.idle = [] }
            return state.idle
        }
        for gate in waiting { gate.open() }
    }

    /// Begins to take messages.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = try await memory.consume(options)
        state.withLockedValue { $0.consumers += 1 }
        return MachineryEagerConsumer(base: consumer, broker: self)
    }

    /// Notes that a consumer has ended, so that no send waits for it any longer.
    fileprivate func consumerEnded() {
        let waiting = state.withLockedValue { state in
            state.consumers -= 1
            guard state.consumers <= 0 else { return [Gate]() }
            defer { state.idle = [] }
            return state.idle
        }
        for gate in waiting { gate.open() }
    }

    /// Closes the broker.
    package func close() async { await memory.close() }

    /// The number of messages that wait in a queue.
    package func depth(of queue: String) async throws -> Int { try await memory.depth(of: queue) }

    /// Lists messages that were parked from a queue.
    package func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        try await memory.parkedMessages(in: queue, after: id, limit: limit)
    }

    /// The broker as a worker uses it. It publishes without waiting, because the worker would wait for itself.
    package var workerSide: any MessageBroker { MachineryEagerWorkerSide(broker: self) }
}

/// A consumer that tells its eager broker when messages have been settled.
private struct MachineryEagerConsumer: MessageConsumer {
    let base: any MessageConsumer
    let broker: MachineryEagerBroker

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }

    func settle(_ settlements: [Settlement]) async throws {
        try await base.settle(settlements)
        let ended = settlements.count { settlement in
            if case .requeue = settlement.disposition { false } else { true }
        }
        broker.dealtWith(ended)
    }

    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }

    func addQueue(_ queue: TaskQueue) async throws { try await base.addQueue(queue) }

    func removeQueue(_ name: String) async throws { try await base.removeQueue(name) }

    func stop() async { await base.stop() }

    func close() async throws {
        defer { broker.consumerEnded() }
        try await base.close()
    }
}

/// An eager broker as its worker uses it.
private struct MachineryEagerWorkerSide: WrappingBroker {
    let broker: MachineryEagerBroker
    var base: any MessageBroker { broker.memory }

    var name: String { broker.name }

    func publish(_ messages: [OutgoingMessage]) async throws { try await broker.hand(over: messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { try await broker.consume(options) }

    func close() async { await broker.close() }
}
