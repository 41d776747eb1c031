import NIOConcurrencyHelpers

/// The queues that a worker serves now, also while it pauses and consumes none of them.
final class ServedQueues: Sendable {
    private struct State {
        var queues: [TaskQueue]
        /// The queues that are consumed again after a pause; nil while the worker does not pause.
        var paused: [TaskQueue]?
    }
    private let state: NIOLockedValueBox<State>
    private let consumer: any MessageConsumer

    init(_ queues: [TaskQueue], consumer: any MessageConsumer) {
        self.state = NIOLockedValueBox(State(queues: queues))
        self.consumer = consumer
    }

    var names: [String] { state.withLockedValue { $0.queues.map(\.name) } }

    func add(_ queue: TaskQueue) async throws {
        if names.contains(queue.name) { return }
        try await consumer.addQueue(queue)
        let isPaused = state.withLockedValue { state in
            if !state.queues.contains(where: { $0.name == queue.name }) { state.queues.append(queue) }
            guard state.paused != nil else { return false }
            state.paused?.append(queue)
            return true
        }
        if isPaused { try await consumer.removeQueue(queue.name) }
    }

    func remove(_ name: String) async throws {
        guard names.contains(name) else { return }
        try await consumer.removeQueue(name)
        state.withLockedValue { state in
            state.queues.removeAll { $0.name == name }
            state.paused?.removeAll { $0.name == name }
        }
    }

    // MARK: Pausing

    /// Stops consuming all queues.
    ///
    /// - Returns: whether the consumer takes nothing more; false if the transport cannot do that.
    func pause() async -> Bool {
        let queues = state.withLockedValue { state in
            if state.paused == nil { state.paused = [] }
            return state.queues
        }
        for queue in queues {
            do {
                try await consumer.removeQueue(queue.name)
            } catch {
                return false
            }
            state.withLockedValue { state in
                if state.paused?.contains(where: { $0.name == queue.name }) == false { state.paused?.append(queue) }
            }
        }
        return true
    }

    /// Consumes the queues again. One that the broker refuses keeps none of the others away.
    ///
    /// - Throws: the consumer's first error; what it refused is left to the next call.
    func resume() async throws {
        var (refused, failure): (Set<String>, (any Error)?) = ([], nil)
        while let queue = state.withLockedValue({ $0.paused?.first { !refused.contains($0.name) } }) {
            do {
                try await consumer.addQueue(queue)
            } catch {
                refused.insert(queue.name)
                failure = failure ?? error
                continue
            }
            let isUnwanted = state.withLockedValue { state in
                state.paused?.removeAll { $0.name == queue.name }
                return !state.queues.contains { $0.name == queue.name }
            }
            if isUnwanted { try await consumer.removeQueue(queue.name) }
        }
        if let failure { throw failure }
        state.withLockedValue { state in if state.paused?.isEmpty == true { state.paused = nil } }
    }
}
