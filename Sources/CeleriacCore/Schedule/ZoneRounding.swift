import CeleriacWire
import FoundationEssentials

/// Rounds the end of an interval down to a full day, hour, minute or second of a zone's clocks, as Celery's `relative`
/// does.
struct ZoneRounding {
    let zone: Zone
    /// Seconds.
    let interval: Double

    /// The largest unit that fits into the interval, in seconds.
    private var unit: Double { interval >= 86_400 ? 86_400 : interval >= 3600 ? 3600 : interval >= 60 ? 60 : 1 }

    /// The rounded end of the interval, but always after the last run.
    func next(after lastRun: Date, end: Date) -> Date? {
        guard interval >= 1 else { return end }
        if unit == 86_400 {
            // Days are counted by the calendar: one of them may have 23 or 25 hours.
            let midnights = instants(lastRun, plus: interval)
            return midnights.first { $0 > lastRun } ?? end
        }
        let rounded = instants(end, plus: 0)
        if let best = rounded.last(where: { $0 <= end }) ?? rounded.first, best > lastRun { return best }
        // Clocks were put back by part of the unit. The boundaries on both sides of the change are looked at.
        let candidates = (rounded + instants(end, plus: unit) + instants(lastRun, plus: interval))
            .filter { $0 > lastRun }.sorted()
        return candidates.last { $0 <= end } ?? candidates.first ?? end
    }

    /// When clocks show the full unit that they have reached at an instant, so many seconds further on the dial.
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
