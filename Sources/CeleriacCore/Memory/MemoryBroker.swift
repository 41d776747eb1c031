public import CeleriacWire
import DequeModule
import NIOConcurrencyHelpers

package import struct FoundationEssentials.Date

/// A broker in this process, for tests and for a producer and a worker in one program.
///
/// It carries messages of any dialect, and loses them when the process ends.
public final class MemoryBroker: MessageBroker {
    struct Entry: Sendable {
        var message: WireMessage
        var redelivered = false
        var attempts = 0
    }
    private struct Parked {
        let id: UInt64
        let message: WireMessage
        var fault: MessageFault
        let time: Date
        let worker: String
    }
    private struct State {
        var queues: [String: Deque<Entry>] = [:]
        var parked: [String: [Parked]] = [:]
        var nextParked: UInt64 = 1
        var waiters: [UInt64: Gate] = [:]
        var nextWaiter: UInt64 = 0
        /// How many messages consumers hold.
        var unsettled = 0
        var isClosed = false

        /// Takes parked messages out, in the order in which they were parked.
        mutating func removeParked(_ ids: [String], from queue: String) -> [Parked] {
            let ids = Set(ids)
            let removed = parked[queue]?.filter { ids.contains(String($0.id)) } ?? []
            parked[queue]?.removeAll { ids.contains(String($0.id)) }
            return removed
        }
    }
    private let state = NIOLockedValueBox(State())

    /// Creates an empty broker.
    public init() {}

    /// `memory`.
    public var name: String { "memory" }

    /// Appends messages to the queues that their routing keys name.
    ///
    /// - Throws: ``CeleriacError`` with code `closed`.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        try wakeAll { state in
            if state.isClosed { throw CeleriacError(.closed, "the broker is closed") }
            for message in messages {
                state.queues[message.routingKey, default: []].append(Entry(message: message.message))
            }
        }
    }

    /// Begins to consume from queues, and makes those that do not exist.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        MemoryConsumer(broker: self, options: options)
    }

    /// Closes the broker: consumers that wait for messages throw.
    public func close() async {
        try? wakeAll { $0.isClosed = true }
    }

    // MARK: Looking after queues

    /// How many messages wait in a queue.
    public func count(in queue: String) -> Int { state.withLockedValue { $0.queues[queue]?.count ?? 0 } }

    /// How many messages wait in queues, and how many consumers hold, at one moment.
    package func load(of queues: Set<String>) -> (waiting: Int, unsettled: Int) {
        state.withLockedValue { state in
            (queues.reduce(0) { $0 + (state.queues[$1]?.count ?? 0) }, state.unsettled)
        }
    }

    /// How many messages wait in a queue.
    public func depth(of queue: String) async throws -> Int { count(in: queue) }

    /// Deletes all messages that wait in a queue.
    public func purge(_ queue: String) async throws -> Int {
        state.withLockedValue { $0.queues.removeValue(forKey: queue)?.count ?? 0 }
    }

    /// The messages that were parked from a queue, with their reasons.
    public func parked(from queue: String) -> [(message: WireMessage, fault: MessageFault)] {
        state.withLockedValue { $0.parked[queue]?.map { ($0.message, $0.fault) } ?? [] }
    }

    /// Lists messages that were parked from a queue. As bytes each has only its body, since this broker has no
    /// envelopes.
    public func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        let last = id.flatMap { UInt64($0) } ?? 0
        let parked = state.withLockedValue { $0.parked[queue]?.filter { $0.id > last } ?? [] }
        return parked.prefix(max(0, limit)).map {
            ParkedMessage(
                id: String($0.id), queue: queue, message: $0.message.body, reason: $0.fault.reason,
                detail: $0.fault.detail, time: $0.time, worker: $0.worker,
                failureIsStored: $0.fault.failureIsStored
            ).reading($0.message)
        }
    }

    /// Puts parked messages back at the end of their queue.
    public func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        var count = 0
        try wakeAll { state in
            let removed = state.removeParked(ids, from: queue)
            state.queues[queue, default: []].append(contentsOf: removed.map { Entry(message: $0.message) })
            count = removed.count
        }
        return count
    }

    /// Deletes parked messages.
    public func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        state.withLockedValue { $0.removeParked(ids, from: queue).count }
    }

    fileprivate func noteTold(_ ids: Set<String>, in queue: String) {
        state.withLockedValue { state in
            guard let parked = state.parked[queue] else { return }
            for index in parked.indices where ids.contains(String(parked[index].id)) {
                state.parked[queue]?[index].fault.failureIsStored = true
            }
        }
    }

    // MARK: For consumers

    /// Takes messages, or returns a gate that opens when new ones may have arrived.
    fileprivate func take(
        atMost limit: Int, from queues: [String]
    ) throws -> (entries: [(String, Entry)], wait: (UInt64, Gate)?) {
        try state.withLockedValue { state in
            if state.isClosed { throw CeleriacError(.closed, "the broker is closed") }
            var taken: [(String, Entry)] = []
            for queue in queues {
                while taken.count < limit, let entry = state.queues[queue]?.popFirst() { taken.append((queue, entry)) }
            }
            state.unsettled += taken.count
            guard taken.isEmpty else { return (taken, nil) }
            let gate = Gate()
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = gate
            return ([], (state.nextWaiter, gate))
        }
    }

    fileprivate func forget(waiter: UInt64) { state.withLockedValue { $0.waiters[waiter] = nil } }

    /// Puts messages back at the front of their queues, in their order.
    fileprivate func putBack(_ entries: [(String, Entry)]) {
        try? wakeAll { state in
            for (queue, entry) in entries.reversed() { state.queues[queue, default: []].prepend(entry) }
            state.unsettled -= entries.count
        }
    }

    /// Notes that a consumer has let go of a message for good.
    fileprivate func noteSettled() { state.withLockedValue { $0.unsettled -= 1 } }

    fileprivate func park(_ message: WireMessage, from queue: String, fault: MessageFault, worker: String) {
        state.withLockedValue { state in
            state.parked[queue, default: []].append(
                Parked(id: state.nextParked, message: message, fault: fault, time: Date(), worker: worker))
            state.nextParked += 1
        }
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

extension MemoryBroker: ParkedMessageKeeper {
    package func trimParked(in queue: String, to policy: ParkingPolicy, now: Date) async throws -> ParkedTrim {
        try await trimParkedByWalking(in: queue, to: policy, now: now)
    }

    package func markTold(_ ids: [String], in queue: String) async throws { noteTold(Set(ids), in: queue) }
}

/// A consumer of a ``MemoryBroker``.
private final class MemoryConsumer: MessageConsumer {
    private struct State {
        var queues: [String]
        var nextTag: UInt64 = 1
        var held: [UInt64: (queue: String, entry: MemoryBroker.Entry)] = [:]
        var waiting: Gate?
        var isStopped = false
    }
    private let state: NIOLockedValueBox<State>
    private let broker: MemoryBroker
    private let nodeName: String

    init(broker: MemoryBroker, options: ConsumerOptions) {
        self.broker = broker
        self.nodeName = options.nodeName
        self.state = NIOLockedValueBox(State(queues: options.queues.map(\.name)))
    }

    // MARK: Taking

    func next(atMost limit: Int) async throws -> [Delivery] {
        while true {
            let (queues, isStopped) = state.withLockedValue { ($0.queues, $0.isStopped) }
            if isStopped { return [] }
            let (entries, wait) = try broker.take(atMost: limit, from: queues)
            guard let (id, gate) = wait else { return deliver(entries) }
            let isChanged = state.withLockedValue { state in
                state.waiting = gate
                return state.isStopped || state.queues != queues
            }
            if !isChanged { await gate.wait() }
            broker.forget(waiter: id)
        }
    }

    private func deliver(_ entries: [(String, MemoryBroker.Entry)]) -> [Delivery] {
        state.withLockedValue { state in
            entries.map { queue, entry in
                let tag = state.nextTag
                state.nextTag += 1
                state.held[tag] = (queue, entry)
                return Delivery(
                    content: .success(entry.message), queue: queue, redelivered: entry.redelivered,
                    attempts: entry.attempts, receipt: Receipt(generation: 0, tag: tag))
            }
        }
    }

    func addQueue(_ queue: TaskQueue) async throws {
        change { if !$0.queues.contains(queue.name) { $0.queues.append(queue.name) } }
    }

    func removeQueue(_ name: String) async throws {
        change { $0.queues.removeAll { $0 == name } }
    }

    /// Changes what is consumed, and lets ``next(atMost:)`` look again.
    private func change(_ change: (inout State) -> Void) {
        let gate = state.withLockedValue { state in
            change(&state)
            return state.waiting
        }
        gate?.open()
    }

    // MARK: Settling

    func settle(_ settlements: [Settlement]) async throws {
        for settlement in settlements {
            guard let held = state.withLockedValue({ $0.held.removeValue(forKey: settlement.receipt.tag) }) else {
                continue
            }
            switch settlement.disposition {
            case .acknowledge, .reject: broker.noteSettled()
            case .park(let fault):
                broker.park(held.entry.message, from: held.queue, fault: fault, worker: nodeName)
                broker.noteSettled()
            case .requeue: putBack([held])
            }
        }
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        let tags = receipts.map(\.tag).sorted()
        putBack(state.withLockedValue { state in tags.compactMap { state.held.removeValue(forKey: $0) } })
    }

    private func putBack(_ held: [(queue: String, entry: MemoryBroker.Entry)]) {
        broker.putBack(
            held.map { queue, entry in
                var entry = entry
                entry.redelivered = true
                return (queue, entry)
            })
    }

    // MARK: Ending

    func stop() async { change { $0.isStopped = true } }

    func close() async throws {
        await stop()
        let held = state.withLockedValue { state in
            defer { state.held = [:] }
            return state.held.sorted { $0.key < $1.key }.map(\.value)
        }
        putBack(held)
    }
}
