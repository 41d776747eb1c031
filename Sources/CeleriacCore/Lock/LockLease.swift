import NIOConcurrencyHelpers

/// Watches a ``LockHold`` with timers: it knows when to renew the hold, and when the hold can no longer be relied on.
final class LockLease: Sendable {
    private struct State {
        var isHeld = true
        var isRenewalDue = false
        var timers: [any RunningTimer] = []
    }
    private let state = NIOLockedValueBox(State())
    private let hold: any LockHold
    private let timers: any TimerSource
    private let wake: @Sendable () -> Void

    /// Starts the timers of a hold that was taken just now.
    ///
    /// - Parameters:
    ///   - hold: the hold to renew.
    ///   - timers: where the timers come from.
    ///   - wake: called when a renewal is due and when the lease has run out.
    init(_ hold: any LockHold, timers: any TimerSource, wake: @escaping @Sendable () -> Void) {
        self.hold = hold
        self.timers = timers
        self.wake = wake
        state.withLockedValue { $0.timers = start() }
    }

    /// Whether this process still holds the lock, as far as it can tell.
    var isHeld: Bool { state.withLockedValue { $0.isHeld } }

    /// Renews the hold if a renewal is due.
    ///
    /// - Returns: whether this process still holds the lock.
    /// - Throws: the lock's error. This process may still hold the lock, until ``isHeld`` says otherwise.
    func keep() async throws -> Bool {
        guard state.withLockedValue({ $0.isHeld && $0.isRenewalDue }) else { return isHeld }
        // The server begins the lease somewhere between request and answer: count from before the request.
        let started = start()
        do {
            let isOurs = try await hold.renew()
            settle(started, renewed: isOurs)
            if !isOurs { lose() }
            return isOurs
        } catch {
            settle(started, renewed: false)
            throw error
        }
    }

    /// Notes that this process no longer holds the lock, and stops the timers.
    func lose() {
        let running = state.withLockedValue { state in
            state.isHeld = false
            defer { state.timers = [] }
            return state.timers
        }
        for timer in running { timer.cancel() }
    }

    private func settle(_ started: [any RunningTimer], renewed: Bool) {
        let stale = state.withLockedValue { state in
            // A lease that ran out during the renewal does not come back.
            guard renewed, state.isHeld else { return started }
            state.isRenewalDue = false
            defer { state.timers = started }
            return state.timers
        }
        for timer in stale { timer.cancel() }
    }

    private func start() -> [any RunningTimer] {
        [
            timers.schedule(after: hold.lease / 3) { [weak self] in
                self?.state.withLockedValue { $0.isRenewalDue = true }
                self?.wake()
            },
            timers.schedule(after: hold.lease) { [weak self] in
                self?.lose()
                self?.wake()
            },
        ]
    }
}
