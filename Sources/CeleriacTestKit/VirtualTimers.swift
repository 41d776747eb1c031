public import CeleriacCore
public import Foundation
import NIOConcurrencyHelpers

/// A time that passes only when a test advances it.
public final class VirtualTimers: TimerSource {
    private struct Pending {
        let due: Date
        let order: Int
        let action: @Sendable () -> Void
    }
    private struct State {
        var now: Date
        var pending: [Int: Pending] = [:]
        var nextOrder = 0
    }
    private let state: NIOLockedValueBox<State>

    /// Starts at a given time.
    public init(now: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        state = NIOLockedValueBox(State(now: now))
    }

    /// The current virtual time.
    public var now: Date { state.withLockedValue { $0.now } }

    /// How many timers are running.
    public var count: Int { state.withLockedValue { $0.pending.count } }

    /// Calls `action` once, `delay` from now, unless the timer is cancelled first.
    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer {
        let order = state.withLockedValue { state in
            state.nextOrder += 1
            let seconds = Double(delay.components.seconds) + Double(delay.components.attoseconds) / 1e18
            state.pending[state.nextOrder] = Pending(
                due: state.now.addingTimeInterval(seconds), order: state.nextOrder, action: action)
            return state.nextOrder
        }
        return VirtualTimer { self.state.withLockedValue { $0.pending[order] = nil } }
    }

    /// Advances the time, and runs all timers that become due, in order.
    public func advance(by duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        let end = now.addingTimeInterval(seconds)
        while advanceToNextTimer(by: end) {}
        state.withLockedValue { $0.now = end }
    }

    /// Advances the time to that of the next timer, and runs it.
    ///
    /// - Parameter end: how far the time may advance.
    /// - Returns: whether there was such a timer. If not, the time stays as it is.
    public func advanceToNextTimer(by end: Date) -> Bool {
        let next: Pending? = state.withLockedValue { state in
            let due = state.pending.values.filter { $0.due <= end }
            guard let next = due.min(by: { ($0.due, $0.order) < ($1.due, $1.order) }) else { return nil }
            state.pending[next.order] = nil
            state.now = max(state.now, next.due)
            return next
        }
        next?.action()
        return next != nil
    }
}

private struct VirtualTimer: RunningTimer {
    let onCancel: @Sendable () -> Void

    func cancel() { onCancel() }
}
