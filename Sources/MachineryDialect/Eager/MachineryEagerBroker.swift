public import CeleriacCore
import NIOConcurrencyHelpers

/// Runs tasks while they are sent: Machinery's eager mode. A send returns when the task, and everything that it sent in its
/// turn, has been dealt with by the worker of this process. Tasks for later are run at their time.
///
/// Without a worker nothing is dealt with, and a send is refused.
public final class MachineryEagerBroker: Broker {
    private struct State {
        var outstanding = 0
        var idle: [Gate] = []
        var consumers = 0
    }
    private let memory = MemoryBroker()
    private let state = NIOLockedValueBox(State())

    /// Makes an empty broker.
    public init() {}

    /// `eager`.
    public var name: String { "eager" }

    /// Hands messages to the worker and waits until all are dealt with.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` when this process has no worker that runs.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        guard state.withLockedValue({ $0.consumers > 0 }) else {
            throw CeleriacError(.unavailable, "worker is not assigned in eager-mode")
        }
        try await hand(over: messages)
        let gate: Gate? = state.withLockedValue { state in
            guard state.outstanding > 0 else { return nil }
            let gate = Gate()
            state.idle.append(gate)
            return gate
        }
        await gate?.wait()
    }

    /// Hands messages over without waiting: what a worker sends while it works.
    func hand(over messages: [OutgoingMessage]) async throws {
        state.withLockedValue { $0.outstanding += messages.count }
        do {
            try await memory.publish(messages)
        } catch {
            dealtWith(messages.count)
            throw error
        }
    }

    /// Messages have ended.
    func dealtWith(_ count: Int) {
        let waiting = state.withLockedValue { state in
            state.outstanding -= count
            guard state.outstanding <= 0 else { return [Gate]() }
            defer { state.idle = [] }
            return state.idle
        }
        for gate in waiting { gate.open() }
    }

    /// Begins to take messages.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = try await memory.consume(options)
        state.withLockedValue { $0.consumers += 1 }
        return MachineryEagerConsumer(base: consumer, broker: self)
    }

    /// A consumer has ended: nobody waits for it any more.
    func consumerEnded() {
        let waiting = state.withLockedValue { state in
            state.consumers -= 1
            guard state.consumers <= 0 else { return [Gate]() }
            defer { state.idle = [] }
            return state.idle
        }
        for gate in waiting { gate.open() }
    }

    /// Ends the broker.
    public func close() async { await memory.close() }

    /// The broker as a worker uses it: it publishes without waiting, since it would wait for itself.
    public var workerSide: any Broker { MachineryEagerWorkerSide(broker: self) }
}
