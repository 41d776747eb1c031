import NIOConcurrencyHelpers

/// Something to wait for that happens once: a ``ControlMailbox`` waits for the stop of its worker.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0

        mutating func add(_ waiter: CheckedContinuation<Void, Never>) -> UInt64? {
            if isOpen { return nil }
            nextWaiter += 1
            waiters[nextWaiter] = waiter
            return nextWaiter
        }
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Whether it has happened.
    public var isOpen: Bool { state.withLockedValue { $0.isOpen } }

    /// Lets all waiters through, now and later.
    package func open() {
        let waiters = state.withLockedValue { state in
            state.isOpen = true
            let waiters = state.waiters
            state.waiters = [:]
            return waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the gate is open. Does not watch for cancellation: whoever cancels opens the gate.
    public func wait() async {
        await withCheckedContinuation { continuation in
            if state.withLockedValue({ $0.add(continuation) }) == nil { continuation.resume() }
        }
    }

    /// Returns once the gate is open, or when the time is up.
    ///
    /// - Returns: whether the gate is open.
    @discardableResult
    package func wait(atMost duration: Duration, timers: any TimerSource) async -> Bool {
        var timer: (any RunningTimer)?
        await withCheckedContinuation { continuation in
            guard let waiter = state.withLockedValue({ $0.add(continuation) }) else { return continuation.resume() }
            timer = timers.schedule(after: duration) {
                self.state.withLockedValue { $0.waiters.removeValue(forKey: waiter) }?.resume()
            }
        }
        timer?.cancel()
        return isOpen
    }
}
