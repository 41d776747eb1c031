import Metrics
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
        /// How many messages may be held in all while some wait for their time.
        let scheduleLimit: Int?
        var pause: Pause?
        var held = 0
        /// How many messages wait for their time, outside the window.
        var scheduled = 0
        /// How many slots wait for a job.
        var idleSlots = 0
        var isClosed = false
        var waiter: CheckedContinuation<Int, Never>?
    }
    private let state: NIOLockedValueBox<State>
    /// Shows how many messages are held; nil where nobody looks.
    private let metrics: WorkerMetrics?

    /// Makes room.
    ///
    /// - Parameters:
    ///   - window: how many messages may be held, apart from those that wait for their time.
    ///   - scheduleLimit: how many may be held in all while some wait for their time; nil for no limit.
    ///   - metrics: shows how many are held; nil to show nothing.
    init(window: Int, scheduleLimit: Int? = nil, metrics: WorkerMetrics? = nil) {
        state = NIOLockedValueBox(State(window: window, scheduleLimit: scheduleLimit))
        self.metrics = metrics
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
        var room = state.window - state.held
        if state.scheduled > 0, let limit = state.scheduleLimit {
            room = min(room, limit - state.held - state.scheduled)
        }
        let portion = max(1, state.window / 4)
        guard room > 0, state.idleSlots > 0 || room >= portion else { return nil }
        return min(room, max(portion, Self.smallPortion))
    }

    /// Whether messages would be taken now.
    var hasRoom: Bool { state.withLockedValue { $0.pause == nil && (available(&$0) ?? 0) > 0 } }

    func take(_ count: Int) {
        state.withLockedValue { $0.held += count }
        metrics?.prefetched.increment(by: Double(count))
    }

    func release(_ count: Int) {
        update { $0.held -= count }
        metrics?.prefetched.decrement(by: Double(count))
    }

    /// Notes that messages in the window wait for their time, outside.
    func setAside(_ count: Int = 1) {
        update { state in
            state.held -= count
            state.scheduled += count
        }
        metrics?.prefetched.decrement(by: Double(count))
        metrics?.scheduled.increment(by: Double(count))
    }

    /// Notes that messages no longer wait for their time: they are in the window again.
    func takeBack(_ count: Int) {
        update { state in
            state.scheduled -= count
            state.held += count
        }
        metrics?.scheduled.decrement(by: Double(count))
        metrics?.prefetched.increment(by: Double(count))
    }

    /// Notes that messages which waited for their time are no longer held.
    func forgetAside(_ count: Int) {
        update { $0.scheduled -= count }
        metrics?.scheduled.decrement(by: Double(count))
    }

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
