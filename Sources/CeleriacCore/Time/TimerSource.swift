public import struct FoundationEssentials.Date

/// Where the runtime takes the time from, and timers.
///
/// Production uses an event loop (``EventLoopTimerSource``), whose timers fire even while every thread of the
/// concurrency pool is blocked by handlers; tests use virtual time.
public protocol TimerSource: Sendable {
    /// The wall clock.
    var now: Date { get }

    /// Calls `action` once, `delay` from now, unless the timer is cancelled before.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer
}

extension TimerSource {
    /// Suspends the caller for `delay`, or until its task is cancelled.
    public func sleep(for delay: Duration) async throws {
        let gate = Gate()
        let timer = schedule(after: delay) { gate.open() }
        try await withTaskCancellationHandler {
            await gate.wait()
            try Task.checkCancellation()
        } onCancel: {
            timer.cancel()
            gate.open()
        }
    }
}
