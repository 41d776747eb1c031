import DequeModule
import NIOConcurrencyHelpers

/// The last tasks that a route has forwarded, by which it knows what comes again.
final class RepeatWindow: Sendable {
    private struct State {
        var known: Set<String> = []
        var order: Deque<String> = []
    }
    private let state = NIOLockedValueBox(State())
    private let size: Int

    init(size: Int = 10_000) { self.size = size }

    /// Whether a task was forwarded, and not long ago.
    func contains(_ id: String) -> Bool { state.withLockedValue { $0.known.contains(id) } }

    /// Notes a task whose message the target has confirmed.
    func insert(_ id: String) {
        state.withLockedValue { state in
            guard state.known.insert(id).inserted else { return }
            state.order.append(id)
            if state.order.count > size, let oldest = state.order.popFirst() { state.known.remove(oldest) }
        }
    }
}
