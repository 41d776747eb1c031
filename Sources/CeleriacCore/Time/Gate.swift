import NIOConcurrencyHelpers

/// Something to wait for that happens once.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Whether it has happened.
    package var isOpen: Bool { state.withLockedValue { $0.isOpen } }

    /// Lets all waiters through, now and later.
    package func open() {
        let waiters = state.withLockedValue { state in
            state.isOpen = true
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once the gate is open. Does not watch for cancellation: whoever cancels opens the gate.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let passes = state.withLockedValue { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if passes { continuation.resume() }
        }
    }
}
