import NIOConcurrencyHelpers

/// An event that happens once and that any number of tasks can wait for: a ``ControlMailbox`` waits for the stop of its
/// worker.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var actions: [UInt64: @Sendable () -> Void] = [:]
        /// Waiters whose task was cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
        var lastWaiter: UInt64 = 0

        mutating func newWaiter() -> UInt64 {
            lastWaiter += 1
            return lastWaiter
        }
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Whether the event has happened.
    public var isOpen: Bool { state.withLockedValue { $0.isOpen } }

    /// Opens the gate, for all current and later waiters.
    package func open() {
        let (waiters, actions) = state.withLockedValue { state in
            state.isOpen = true
            defer { (state.waiters, state.actions) = ([:], [:]) }
            return (state.waiters.values, state.actions.values)
        }
        for action in actions { action() }
        for waiter in waiters { waiter.resume() }
    }

    /// Calls `action` once the gate opens, at once if it is open.
    ///
    /// - Returns: a number by which ``forget(_:)`` takes the action away.
    func onOpen(_ action: @escaping @Sendable () -> Void) -> UInt64 {
        let (id, isOpen) = state.withLockedValue { state in
            let id = state.newWaiter()
            if !state.isOpen { state.actions[id] = action }
            return (id, state.isOpen)
        }
        if isOpen { action() }
        return id
    }

    /// Takes away an action that ``onOpen(_:)`` added.
    func forget(_ action: UInt64) { state.withLockedValue { $0.actions[action] = nil } }

    /// Waits until the gate is open, even if the task is cancelled. Code that cancels the task must open the gate.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let passes = state.withLockedValue { state in
                if !state.isOpen { state.waiters[state.newWaiter()] = continuation }
                return state.isOpen
            }
            if passes { continuation.resume() }
        }
    }

    /// Waits until the gate is open or `duration` has passed. Ignores cancellation, as ``wait()`` does.
    ///
    /// - Returns: whether the gate is open.
    @discardableResult
    package func wait(atMost duration: Duration, timers: any TimerSource) async -> Bool {
        var timer: (any RunningTimer)?
        await withCheckedContinuation { continuation in
            let waiter: UInt64? = state.withLockedValue { state in
                if state.isOpen { return nil }
                let waiter = state.newWaiter()
                state.waiters[waiter] = continuation
                return waiter
            }
            guard let waiter else { return continuation.resume() }
            timer = timers.schedule(after: duration) { self.dismiss(waiter) }
        }
        timer?.cancel()
        return isOpen
    }

    /// Waits until the gate is open or the task is cancelled.
    ///
    /// - Throws: `CancellationError` when the task was cancelled before the gate opened.
    package func waitUnlessCancelled() async throws {
        let waiter = state.withLockedValue { $0.newWaiter() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes = state.withLockedValue { state in
                    if state.isOpen || state.cancelled.contains(waiter) { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if passes { continuation.resume() }
            }
        } onCancel: {
            state.withLockedValue { state in
                // The waiter may not have begun to wait.
                if state.waiters[waiter] == nil { state.cancelled.insert(waiter) }
            }
            dismiss(waiter)
        }
        let isOpen = state.withLockedValue { state in
            state.cancelled.remove(waiter)
            return state.isOpen
        }
        if !isOpen { throw CancellationError() }
    }

    private func dismiss(_ waiter: UInt64) {
        state.withLockedValue { $0.waiters.removeValue(forKey: waiter) }?.resume()
    }
}

/// Lets one task sleep until another wakes it, a time has passed, or the work should stop.
package final class WakeSignal: Sendable {
    private struct State {
        var isStopping = false
        var isWoken = false
        var gate: Gate?
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Whether the work should stop.
    package var isStopping: Bool { state.withLockedValue { $0.isStopping } }

    /// Ends the current wait, or the next one if nobody waits now.
    package func wake() { change { $0.isWoken = true } }

    /// Ends the current wait and every later one.
    package func stop() { change { $0.isStopping = true } }

    /// Waits for at most `limit`. Ignores cancellation: code that cancels the task must call ``stop()``.
    package func wait(upTo limit: Duration, by timers: any TimerSource) async {
        await wait { await $0.wait(atMost: limit, timers: timers) }
    }

    /// Waits until it is woken or stopped. Ignores cancellation: code that cancels the task must call ``stop()``.
    package func wait() async {
        await wait {
            await $0.wait()
            return true
        }
    }

    private func wait(by body: (Gate) async -> Bool) async {
        let gate = Gate()
        let passes = state.withLockedValue { state in
            state.gate = gate
            return state.isWoken || state.isStopping
        }
        if !passes { _ = await body(gate) }
        state.withLockedValue { state in
            state.isWoken = false
            state.gate = nil
        }
    }

    private func change(_ body: (inout sending State) -> Void) {
        let gate = state.withLockedValue { state in
            body(&state)
            return state.gate
        }
        gate?.open()
    }
}
