import CeleriacWire
import NIOConcurrencyHelpers

/// A consumer of a ``MemoryBroker``.
final class MemoryConsumer: MessageConsumer {
    private struct State {
        var nextTag: UInt64 = 1
        var held: [UInt64: (queue: String, entry: MemoryBroker.Entry)] = [:]
        var waiting: Gate?
        var isStopped = false
    }
    private let state = NIOLockedValueBox(State())
    private let broker: MemoryBroker
    private let queues: [String]

    init(broker: MemoryBroker, queues: [String]) {
        self.broker = broker
        self.queues = queues
    }

    func next(atMost limit: Int) async throws -> [Delivery] {
        while true {
            if state.withLockedValue({ $0.isStopped }) { return [] }
            let (entries, wait) = try broker.take(atMost: limit, from: queues)
            guard let (id, gate) = wait else { return deliver(entries) }
            let isStopped = state.withLockedValue { state in
                state.waiting = gate
                return state.isStopped
            }
            if !isStopped { await gate.wait() }
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

    func settle(_ settlements: [Settlement]) async throws {
        for settlement in settlements {
            guard let held = state.withLockedValue({ $0.held.removeValue(forKey: settlement.receipt.tag) }) else {
                continue
            }
            switch settlement.disposition {
            case .acknowledge, .reject: break
            case .park(let fault): broker.park(held.entry.message, from: held.queue, fault: fault)
            case .requeue: putBack([held])
            }
        }
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        putBack(state.withLockedValue { state in receipts.compactMap { state.held.removeValue(forKey: $0.tag) } })
    }

    private func putBack(_ held: [(queue: String, entry: MemoryBroker.Entry)]) {
        broker.putBack(
            held.map { queue, entry in
                var entry = entry
                entry.redelivered = true
                return (queue, entry)
            })
    }

    func stop() async {
        let gate = state.withLockedValue { state in
            state.isStopped = true
            return state.waiting
        }
        gate?.open()
    }

    func close() async throws {
        await stop()
        let held = state.withLockedValue { state in
            defer { state.held = [:] }
            return state.held.sorted { $0.key < $1.key }.map(\.value)
        }
        putBack(held)
    }
}
