import CeleriacCore
import NIOConcurrencyHelpers

/// Whether a route takes messages from its source. An operator may close it: replies come back all the same.
final class Valve: Sendable {
    /// What it is at.
    enum Position: Sendable, Hashable {
        /// Messages are taken.
        case open
        /// None are.
        case paused
        /// None are, and somebody waits for the last reply.
        case draining
        /// None will ever be: the route ends.
        case ended
    }

    private struct State {
        var position: Position
        var change = Gate()
    }
    private let state: NIOLockedValueBox<State>

    init(_ position: Position = .open) { state = NIOLockedValueBox(State(position: position)) }

    /// What it is at, and a gate that opens once it is at something else.
    var current: (position: Position, change: Gate) {
        state.withLockedValue { ($0.position, $0.change) }
    }

    /// What it is at.
    var position: Position { current.position }

    /// Changes it, unless it has ended.
    func turn(to position: Position) {
        let change = state.withLockedValue { state -> Gate? in
            guard state.position != .ended, state.position != position else { return nil }
            let change = state.change
            state = State(position: position)
            return change
        }
        change?.open()
    }
}
