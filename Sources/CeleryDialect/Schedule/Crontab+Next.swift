import CeleriacCore
import CeleriacWire

public import struct FoundationEssentials.Date

extension Crontab {
    /// The first matching minute after the one of the last run.
    public func next(after lastRun: Date) -> Date? {
        guard let local = zone.localTime(at: lastRun), let next = next(after: lastRun, shown: local) else { return nil }
        guard hours.count == 24, let change = zone.nextChange(after: lastRun), change.instant <= next,
            change.offsetAfter < change.offsetBefore
        else { return next }
        // Clocks are put back before that, so the hour comes again, and counts again.
        return firstMatch(from: change) ?? next
    }

    /// The first matching local minute after that of the last run, as an instant after it.
    private func next(after lastRun: Date, shown: LocalDateTime) -> Date? {
        var shown = shown
        while let next = nextMatch(after: shown) {
            switch zone.occurrence(of: next) {
            case .once(let instant), .never(let instant):
                if instant > lastRun { return instant }
            case .twice(let first, let second):
                if first > lastRun { return first }
                if hours.count == 24, second > lastRun { return second }
            }
            shown = next
        }
        return nil
    }

    /// The first match when clocks have been put back, before they show a time that they had not shown yet.
    private func firstMatch(from change: ZoneChange) -> Date? {
        let toDial = Double(change.offsetAfter)
        let before = change.instant.addingTimeInterval(toDial - 1)
        let end = change.instant.addingTimeInterval(Double(change.offsetBefore - change.offsetAfter))
        let match = LocalDateTime(utc: before).flatMap(nextMatch(after:))?.instant().addingTimeInterval(-toDial)
        return match.flatMap { $0 < end ? $0 : nil }
    }

    /// The first matching local minute after the minute of a time.
    private func nextMatch(after local: LocalDateTime) -> LocalDateTime? {
        let (date, time) = (local.date, local.time)
        if matches(date) {
            if hours.contains(time.hour), let minute = minutes.first(where: { $0 > time.minute }) {
                return match(on: date, hour: time.hour, minute: minute)
            }
            if let hour = hours.first(where: { $0 > time.hour }) { return match(on: date, hour: hour, minute: nil) }
        }
        return nextDate(after: date).flatMap { match(on: $0, hour: nil, minute: nil) }
    }

    private func match(on date: LocalDate, hour: Int?, minute: Int?) -> LocalDateTime? {
        guard let hour = hour ?? hours.first, let minute = minute ?? minutes.first else { return nil }
        return LocalTime(hour: hour, minute: minute).map { LocalDateTime(date: date, time: $0) }
    }

    private func matches(_ date: LocalDate) -> Bool {
        monthsOfYear.contains(date.month) && daysOfMonth.contains(date.day)
            && daysOfWeek.contains(date.weekday)
    }

    private func nextDate(after date: LocalDate) -> LocalDate? {
        var (year, month, day) = (date.year, date.month, date.day)
        // The Gregorian calendar repeats itself, weekdays included, after 400 years.
        let end = min(year + 400, 9999)
        while year <= end {
            if monthsOfYear.contains(month) {
                for candidate in daysOfMonth where candidate > day {
                    guard let date = LocalDate(year: year, month: month, day: candidate) else { break }
                    if daysOfWeek.contains(date.weekday) { return date }
                }
            }
            day = 0
            month += 1
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        return nil
    }
}
