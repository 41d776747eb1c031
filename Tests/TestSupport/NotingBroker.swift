package import CeleriacCore
import NIOConcurrencyHelpers

/// A broker in memory that keeps notes of paused queues.
package final class NotingBroker: MessageBroker, PausingBroker {
    private let base: MemoryBroker
    private let notes: NIOLockedValueBox<[String: QueuePause]>
    private let failure = NIOLockedValueBox<CeleriacError?>(nil)
    /// The queues that its consumers cannot add.
    private let refused: Set<String>
    /// Why nobody may consume; nil if everybody may.
    private let refusal: CeleriacError?

    /// Makes one by a broker.
    ///
    /// - Parameters:
    ///   - base: what has the messages.
    ///   - paused: the queues that are paused.
    ///   - refused: the queues that its consumers cannot add.
    ///   - refusal: why nobody may consume; nil if everybody may.
    package init(
        _ base: MemoryBroker, paused: [String], refusing refused: Set<String> = [], with refusal: CeleriacError? = nil
    ) {
        self.base = base
        self.refusal = refusal
        self.refused = refused
        notes = NIOLockedValueBox(
            Dictionary(paused.map { ($0, QueuePause(queue: $0, since: nil, nodes: [])) }) { first, _ in first })
    }

    package var name: String { base.name }

    /// Refuses to tell of notes with an error; nil tells of them again.
    package func fail(with error: CeleriacError?) { failure.withLockedValue { $0 = error } }

    package func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }

    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        if let refusal { throw refusal }
        return RefusingConsumer(base: try await base.consume(options), refused: refused)
    }

    package func close() async { await base.close() }

    package func pauses(of queues: [String]) async throws -> [QueuePause] {
        if let error = failure.withLockedValue({ $0 }) { throw error }
        return notes.withLockedValue { notes in queues.compactMap { notes[$0] } }
    }

    package func notePause(_ pause: QueuePause) async throws { notes.withLockedValue { $0[pause.queue] = pause } }

    package func endPause(of queue: String) async throws -> Bool {
        notes.withLockedValue { $0.removeValue(forKey: queue) != nil }
    }
}

/// A consumer that cannot add some queues.
private struct RefusingConsumer: MessageConsumer {
    let base: any MessageConsumer
    let refused: Set<String>

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func removeQueue(_ name: String) async throws { try await base.removeQueue(name) }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }

    func addQueue(_ queue: TaskQueue) async throws {
        if refused.contains(queue.name) { throw CeleriacError(.configuration, "refused") }
        try await base.addQueue(queue)
    }
}
