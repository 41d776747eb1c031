import NIOConcurrencyHelpers

/// Counts how many more messages the worker has room for.
///
/// It grants room in portions of a quarter of the window. A busy worker then claims messages in batches, and the broker
/// hands out one batch while the worker reads another. While a slot is idle it grants less, if there is less.
final class Capacity: Sendable {
    /// The largest portion of a window so small that a quarter of it is not worth a round trip.
    private static let smallPortion = 32

    /// What is granted while the worker pauses, whatever the window.
    enum Pause {
        /// Nothing.
        case nothing
        /// One message at a time, which is given back: the broker sends no more than it has sent.
        case leftovers
    }
    private struct State {
        var window: Int
        var pause: Pause?
        var held = 0
        /// How many slots wait for a job.
        var idleSlots = 0
        var isClosed = false
        var waiter: CheckedContinuation<Int, Never>?
    }
    private let state: NIOLockedValueBox<State>

    init(window: Int) {
        state = NIOLockedValueBox(State(window: window))
    }

    /// Waits until there is room.
    ///
    /// - Returns: how many messages to take next at most; 0 once closed.
    func room() async -> Int {
        await withCheckedContinuation { continuation in
            let room = state.withLockedValue { state in
                let room = available(&state)
                if room == nil { state.waiter = continuation }
                return room
            }
            if let room { continuation.resume(returning: room) }
        }
    }

    private func available(_ state: inout State) -> Int? {
        if state.isClosed { return 0 }
        switch state.pause {
        case .nothing?: return nil
        case .leftovers?: return 1
        case nil: break
        }
        let room = state.window - state.held
        let portion = max(1, state.window / 4)
        guard room > 0, state.idleSlots > 0 || room >= portion else { return nil }
        return min(room, max(portion, Self.smallPortion))
    }

    /// Whether messages would be taken now.
    var hasRoom: Bool { state.withLockedValue { $0.pause == nil && (available(&$0) ?? 0) > 0 } }

    func take(_ count: Int) {
        state.withLockedValue { $0.held += count }
    }

    func release(_ count: Int) { update { $0.held -= count } }

    /// Notes that more or fewer slots wait for a job.
    func idleSlotsChanged(by count: Int) { update { $0.idleSlots += count } }

    func resize(to window: Int) { update { $0.window = window } }

    /// Begins, changes or, with nil, ends a pause.
    func pause(_ pause: Pause?) { update { $0.pause = pause } }

    func close() { update { $0.isClosed = true } }

    private func update(_ change: (inout State) -> Void) {
        let (waiter, room) = state.withLockedValue { state in
            change(&state)
            guard state.waiter != nil, let room = available(&state) else {
                return (nil as CheckedContinuation<Int, Never>?, 0)
            }
            defer { state.waiter = nil }
            return (state.waiter, room)
        }
        waiter?.resume(returning: room)
    }
}
