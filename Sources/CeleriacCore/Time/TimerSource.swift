public import NIOCore

public import struct FoundationEssentials.Date

/// Gives the runtime the time and its timers.
///
/// In production it is an event loop (``EventLoopTimerSource``), whose timers fire even while handlers block every
/// thread of the concurrency pool. Tests use virtual time.
public protocol TimerSource: Sendable {
    /// The wall clock.
    var now: Date { get }

    /// Calls `action` once, `delay` from now, unless the timer is cancelled first.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer
}

extension TimerSource {
    /// Suspends the caller for `delay`.
    ///
    /// - Throws: `CancellationError` when its task is cancelled first.
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

/// A timer that has been started.
public protocol RunningTimer: Sendable {
    /// Stops the timer. Does nothing if its action has already begun.
    func cancel()
}

/// The timers of an event loop, and the system's wall clock.
public struct EventLoopTimerSource: TimerSource {
    private let eventLoop: any EventLoop

    /// Takes timers from `eventLoop`.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// The system's time.
    public var now: Date { Date() }

    /// Calls `action` once, `delay` from now, unless the timer is cancelled first.
    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer {
        EventLoopTimer(scheduled: eventLoop.scheduleTask(in: TimeAmount(delay), action))
    }
}

private struct EventLoopTimer: RunningTimer {
    let scheduled: Scheduled<Void>

    func cancel() { scheduled.cancel() }
}
