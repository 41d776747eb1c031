import DequeModule
import NIOConcurrencyHelpers

/// The last tasks with which something has happened: those that a route has forwarded, by which it knows what comes again, and
/// those that were revoked.
final class RepeatWindow: Sendable {
    private struct State {
        var known: Set<String> = []
        var order: Deque<String> = []
    }
    private let state = NIOLockedValueBox(State())
    private let size: Int

    init(size: Int = 10_000) { self.size = size }

    /// Whether a task is among them.
    func contains(_ id: String) -> Bool { state.withLockedValue { $0.known.contains(id) } }

    /// All of them, the oldest first.
    var all: [String] { state.withLockedValue { Array($0.order) } }

    /// Notes a task.
    ///
    /// - Returns: whether it was not among them.
    @discardableResult
    func insert(_ id: String) -> Bool {
        state.withLockedValue { state in
            guard state.known.insert(id).inserted else { return false }
            state.order.append(id)
            if state.order.count > size, let oldest = state.order.popFirst() { state.known.remove(oldest) }
            return true
        }
    }

    /// Forgets a task, with which nothing has happened after all.
    func remove(_ id: String) {
        state.withLockedValue { state in
            guard state.known.remove(id) != nil else { return }
            state.order.removeAll { $0 == id }
        }
    }
}
