public import CeleriacWire
import DequeModule
import NIOConcurrencyHelpers

/// A broker in this process: for tests, and for producer and worker in one program.
///
/// Any dialect's messages go through it; nothing is kept when the process ends.
public final class MemoryBroker: Broker {
    struct Entry: Sendable {
        var message: WireMessage
        var redelivered = false
        var attempts = 0
    }
    private struct State {
        var queues: [String: Deque<Entry>] = [:]
        var parked: [String: [(message: WireMessage, fault: MessageFault)]] = [:]
        var waiters: [UInt64: Gate] = [:]
        var nextWaiter: UInt64 = 0
        var isClosed = false
    }
    private let state = NIOLockedValueBox(State())

    /// Makes an empty broker.
    public init() {}

    /// The server or folder, without credentials.
    public var name: String { "memory" }

    /// Puts messages into their queues. Nothing is kept when the process ends.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        try wakeAll { state in
            if state.isClosed { throw CeleriacError(.closed, "the broker is closed") }
            for message in messages {
                state.queues[message.routingKey, default: []].append(Entry(message: message.message))
            }
        }
    }

    /// Begins to consume from queues, which are made where they do not exist.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        MemoryConsumer(broker: self, queues: options.queues)
    }

    /// Closes the connections.
    public func close() async {
        try? wakeAll { $0.isClosed = true }
    }

    /// How many messages wait in a queue.
    public func count(in queue: String) -> Int { state.withLockedValue { $0.queues[queue]?.count ?? 0 } }

    /// The messages that were parked from a queue, with their reasons.
    public func parked(from queue: String) -> [(message: WireMessage, fault: MessageFault)] {
        state.withLockedValue { $0.parked[queue] ?? [] }
    }

    // MARK: For consumers

    /// Takes messages, or returns a gate that opens when there may be some.
    func take(atMost limit: Int, from queues: [String]) throws -> (entries: [(String, Entry)], wait: (UInt64, Gate)?) {
        try state.withLockedValue { state in
            if state.isClosed { throw CeleriacError(.closed, "the broker is closed") }
            var taken: [(String, Entry)] = []
            for queue in queues {
                while taken.count < limit, let entry = state.queues[queue]?.popFirst() { taken.append((queue, entry)) }
            }
            guard taken.isEmpty else { return (taken, nil) }
            let gate = Gate()
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = gate
            return ([], (state.nextWaiter, gate))
        }
    }

    func forget(waiter: UInt64) { state.withLockedValue { $0.waiters[waiter] = nil } }

    /// Puts messages back to the front of their queues, the first one foremost.
    func putBack(_ entries: [(String, Entry)]) {
        try? wakeAll { state in
            for (queue, entry) in entries.reversed() { state.queues[queue, default: []].prepend(entry) }
        }
    }

    func park(_ message: WireMessage, from queue: String, fault: MessageFault) {
        state.withLockedValue { $0.parked[queue, default: []].append((message, fault)) }
    }

    private func wakeAll(_ change: (inout State) throws -> Void) throws {
        let waiters = try state.withLockedValue { state in
            try change(&state)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.open() }
    }
}
