import NIOConcurrencyHelpers

/// Lets one waiter sleep until something happens, a time has passed, or the work is to stop.
package final class WakeSignal: Sendable {
    private struct State {
        var isStopping = false
        var isWoken = false
        var gate: Gate?
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Whether the work is to stop.
    package var isStopping: Bool { state.withLockedValue { $0.isStopping } }

    /// Ends this wait, or the next one where nobody waits.
    package func wake() { change { $0.isWoken = true } }

    /// Ends this wait and all that follow.
    package func stop() { change { $0.isStopping = true } }

    /// Waits; does not watch for cancellation: whoever cancels calls ``stop()``.
    package func wait(upTo limit: Duration, by timers: any TimerSource) async {
        let gate = Gate()
        let passes = state.withLockedValue { state in
            state.gate = gate
            return state.isWoken || state.isStopping
        }
        if !passes {
            let timer = timers.schedule(after: limit) { gate.open() }
            await gate.wait()
            timer.cancel()
        }
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
