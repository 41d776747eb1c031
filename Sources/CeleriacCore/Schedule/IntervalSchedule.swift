public import struct FoundationEssentials.Date

/// Runs at equal intervals: Celery's `schedule`.
public struct IntervalSchedule: Schedule, Hashable {
    /// The time from one run to the next.
    public let interval: Duration
    /// The zone to whose clocks runs are rounded: Celery's `relative`; nil to count from one run to the next.
    public let roundedIn: Zone?

    /// Runs every `interval`.
    ///
    /// - Parameters:
    ///   - interval: a millisecond or more.
    ///   - roundedIn: a zone for runs on full days, hours or minutes of its clocks, the largest that fit into the interval:
    ///     an interval of a day runs at midnight, one of 90 minutes on the hour. Celery calls this `relative`.
    /// - Throws: ``CeleriacError`` with code `configuration` for an interval that is shorter, or longer than 10,000 years.
    public init(every interval: Duration, roundedIn: Zone? = nil) throws(CeleriacError) {
        guard interval >= .milliseconds(1), interval.seconds < 3.2e11 else {
            throw CeleriacError(.configuration, "an interval of \(interval) is none: use a millisecond or more")
        }
        self.interval = interval
        self.roundedIn = roundedIn
    }

    /// The last run and the interval, rounded down where that is asked for.
    public func next(after lastRun: Date) -> Date? {
        let end = lastRun.addingTimeInterval(interval.seconds)
        guard let roundedIn else { return end }
        return ZoneRounding(zone: roundedIn, interval: interval.seconds).next(after: lastRun, end: end)
    }

    /// For instance `every 30.0 s`.
    public var description: String { "every \(interval.seconds) s" + (roundedIn == nil ? "" : ", rounded") }
}
