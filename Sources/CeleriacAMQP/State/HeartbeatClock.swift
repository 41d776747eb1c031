#if AMQP

internal import NIOCore

/// Decides when a heartbeat is due and when the peer is dead. Time is passed in.
struct HeartbeatClock {
    /// What a look at the clock asks for.
    struct Duty: Equatable {
        /// Nothing was written for half the interval.
        var sendsHeartbeat: Bool
        /// Nothing was heard for two intervals.
        var isPeerDead: Bool
    }

    /// The negotiated longest silence.
    let interval: TimeAmount
    private var lastHeard: NIODeadline
    private var lastWritten: NIODeadline

    init(interval: TimeAmount, now: NIODeadline) {
        self.interval = interval
        lastHeard = now
        lastWritten = now
    }

    /// How often to look.
    var period: TimeAmount { .nanoseconds(interval.nanoseconds / 2) }

    mutating func heard(_ now: NIODeadline) { lastHeard = now }

    mutating func wrote(_ now: NIODeadline) { lastWritten = now }

    func duty(at now: NIODeadline) -> Duty {
        Duty(
            sendsHeartbeat: now - lastWritten >= period,
            isPeerDead: now - lastHeard >= .nanoseconds(interval.nanoseconds * 2))
    }
}

#endif
