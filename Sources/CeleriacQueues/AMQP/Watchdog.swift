#if AMQP
import CeleriacCore

import struct FoundationEssentials.Date

/// Notices that a consumer which could take messages gets none although messages wait: for so long that something is
/// wrong which nobody has reported.
///
/// It is asked only while the consumer is idle. After each alarm it waits longer for the next, until something arrives.
struct Watchdog: Sendable {
    /// A queue that stands still.
    struct Alarm: Equatable {
        let queue: String
        /// How many messages wait in it.
        let depth: Int
        /// For how many seconds it has stood still.
        let seconds: Double
    }

    /// How often to look.
    let interval: Duration
    /// Whether an answer to the last question is still to come.
    var isLooking = false
    /// How long a queue stands still before the first alarm.
    private let patience: Duration
    /// The last alarm, until something arrives or the queue has less in it.
    private(set) var standing: Alarm?
    private var watched: [String: (depth: Int, since: Date)] = [:]
    private var alarms = 0

    init(interval: Duration = .seconds(10), patience: Duration = .seconds(30)) {
        self.interval = interval
        self.patience = patience
    }

    /// Notes that something has arrived.
    mutating func rest() {
        standing = nil
        watched = [:]
        alarms = 0
    }

    /// The alarm that ``look(_:now:)`` would raise now.
    func foresees(_ depths: [String: Int], now: Date) -> Alarm? {
        var copy = self
        return copy.look(depths, now: now)
    }

    /// Notes how many messages wait in the queues of an idle consumer.
    ///
    /// - Returns: the queue from which it should have had something, if there is one.
    mutating func look(_ depths: [String: Int], now: Date) -> Alarm? {
        watched = watched.filter { depths[$0.key] != nil }
        if let alarm = standing, depths[alarm.queue].map({ $0 < alarm.depth }) ?? true { standing = nil }
        // Up to sixteen minutes.
        let patience = patience.seconds * Double(1 << min(alarms, 5))
        var alarm: Alarm?
        for (queue, depth) in depths.sorted(by: { $0.key < $1.key }) {
            guard depth > 0, let (known, since) = watched[queue], depth >= known else {
                watched[queue] = depth > 0 ? (depth, now) : nil
                continue
            }
            let seconds = now.timeIntervalSince(since)
            if alarm == nil, seconds >= patience { alarm = Alarm(queue: queue, depth: depth, seconds: seconds) }
        }
        if alarm != nil {
            standing = alarm
            watched = [:]
            alarms += 1
        }
        return alarm
    }
}
#endif
