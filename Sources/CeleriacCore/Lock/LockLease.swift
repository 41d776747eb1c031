import NIOConcurrencyHelpers

/// Watches over a ``LockHold`` with timers: it says when the hold must be renewed, and when it can no longer be relied on.
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

    /// Begins with a hold that was asked for just now.
    ///
    /// - Parameter wake: called when a renewal is due and when the lease has run out.
    init(_ hold: any LockHold, timers: any TimerSource, wake: @escaping @Sendable () -> Void) {
        self.hold = hold
        self.timers = timers
        self.wake = wake
        state.withLockedValue { $0.timers = start() }
    }

    /// Whether the lock is ours as far as this side can tell.
    var isHeld: Bool { state.withLockedValue { $0.isHeld } }

    /// Renews the hold if that is due; returns whether the lock is ours.
    ///
    /// - Throws: what the lock throws. The lock may be ours still, until ``isHeld`` says otherwise.
    func keep() async throws -> Bool {
        guard state.withLockedValue({ $0.isHeld && $0.isRenewalDue }) else { return isHeld }
        // The lease begins, at the latest, when the answer comes: count from before the question.
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

    /// Says that the lock is no longer ours.
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
            // A lease that ran out during the question does not come back.
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
