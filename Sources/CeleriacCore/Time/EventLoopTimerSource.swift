public import NIOCore

public import struct FoundationEssentials.Date

/// Timers of an event loop, and the system's wall clock.
public struct EventLoopTimerSource: TimerSource {
    private let eventLoop: any EventLoop

    /// Takes timers from `eventLoop`.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// The time.
    public var now: Date { Date() }

    /// Calls `action` once, `delay` from now, unless the timer is cancelled before.
    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any RunningTimer {
        EventLoopTimer(scheduled: eventLoop.scheduleTask(in: TimeAmount(delay), action))
    }
}

private struct EventLoopTimer: RunningTimer {
    let scheduled: Scheduled<Void>

    func cancel() { scheduled.cancel() }
}
