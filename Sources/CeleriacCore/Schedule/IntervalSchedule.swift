public import CeleriacWire
public import FoundationEssentials

/// Runs at equal intervals: Celery's `schedule`.
public struct IntervalSchedule: Schedule, Hashable {
    /// The time from one run to the next.
    public let interval: Duration
    /// The zone by whose clocks runs are rounded, as with Celery's `relative`; nil to count from one run to the next.
    public let roundedIn: CalendarZone?

    /// Runs every `interval`.
    ///
    /// - Parameters:
    ///   - interval: the time from one run to the next, a millisecond or more.
    ///   - roundedIn: a zone by whose clocks runs fall on full days, hours or minutes, whichever is the largest unit
    ///     that fits into the interval: an interval of a day runs at midnight, one of 90 minutes on the hour. Celery
    ///     calls this `relative`. Nil to count from one run to the next.
    /// - Throws: ``CeleriacError`` with code `configuration` for an interval shorter than a millisecond or longer than
    ///   10,000 years.
    public init(every interval: Duration, roundedIn: CalendarZone? = nil) throws(CeleriacError) {
        guard interval >= .milliseconds(1), interval.seconds < 3.2e11 else {
            throw CeleriacError(
                .configuration, "an interval of \(interval) cannot be used: use a millisecond to 10,000 years")
        }
        self.interval = interval
        self.roundedIn = roundedIn
    }

    /// The last run plus the interval, rounded down if the schedule has a zone for that.
    public func next(after lastRun: Date) -> Date? {
        let end = lastRun.addingTimeInterval(interval.seconds)
        guard let roundedIn else { return end }
        return ZoneRounding(zone: roundedIn, interval: interval.seconds).next(after: lastRun, end: end)
    }

    /// For instance `every 30.0 s`.
    public var description: String { "every \(interval.seconds) s" + (roundedIn == nil ? "" : ", rounded") }
}

/// Rounds the end of an interval down to a full day, hour, minute or second of a zone's clocks, as Celery's `relative`
/// does.
private struct ZoneRounding {
    let zone: CalendarZone
    /// Seconds.
    let interval: Double

    /// The largest unit that fits into the interval, in seconds.
    private var unit: Double { interval >= 86_400 ? 86_400 : interval >= 3600 ? 3600 : interval >= 60 ? 60 : 1 }

    /// The rounded end of the interval, but always after the last run.
    func next(after lastRun: Date, end: Date) -> Date? {
        guard interval >= 1 else { return end }
        if unit == 86_400 {
            // Count days by the calendar, since a day may have 23 or 25 hours.
            let midnights = instants(lastRun, plus: interval)
            return midnights.first { $0 > lastRun } ?? end
        }
        let rounded = instants(end, plus: 0)
        if let best = rounded.last(where: { $0 <= end }) ?? rounded.first, best > lastRun { return best }
        // Clocks were put back by part of the unit. Look at the boundaries on both sides of the change.
        let candidates = (rounded + instants(end, plus: unit) + instants(lastRun, plus: interval))
            .filter { $0 > lastRun }.sorted()
        return candidates.last { $0 <= end } ?? candidates.first ?? end
    }

    /// The instants at which clocks show the full unit at or before what they show at `instant`, plus `seconds`.
    private func instants(_ instant: Date, plus seconds: Double) -> [Date] {
        guard let local = zone.localTime(at: instant),
            let shown = LocalDateTime(utc: floored(local.instant().addingTimeInterval(seconds)))
        else { return [] }
        switch zone.occurrence(of: shown) {
        case .once(let instant), .never(let instant): return [instant]
        case .twice(let first, let second): return [first, second]
        }
    }

    private func floored(_ dial: Date) -> Date {
        Date(timeIntervalSince1970: (dial.timeIntervalSince1970 / unit).rounded(.down) * unit)
    }
}
