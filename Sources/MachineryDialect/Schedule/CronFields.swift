import CeleriacCore

/// The five fields of a cron expression.
struct CronFields: Sendable, Hashable {
    let minute: CronField
    let hour: CronField
    let dayOfMonth: CronField
    let month: CronField
    let dayOfWeek: CronField

    init(_ text: Substring) throws(CeleriacError) {
        let parts = text.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
        guard parts.count == 5 else {
            throw CeleriacError(
                .configuration,
                "a cron expression has five fields (minute, hour, day of month, month, day of week), not \(parts.count)"
            )
        }
        minute = try CronField(parts[0], .init(name: "minute", values: 0...59))
        hour = try CronField(parts[1], .init(name: "hour", values: 0...23))
        dayOfMonth = try CronField(parts[2], .init(name: "day of a month", values: 1...31))
        month = try CronField(
            parts[3],
            .init(
                name: "month", values: 1...12,
                names: [
                    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
                    "nov": 11, "dec": 12,
                ]))
        dayOfWeek = try CronField(
            parts[4],
            .init(
                name: "day of a week", values: 0...6,
                names: ["sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6]))
    }

    /// Days match when both fields do, if one of them is a bare `*`; otherwise when either does.
    private func matchesDay(_ time: ZonedTime) -> Bool {
        let isDay = dayOfMonth.contains(time.day)
        let isWeekday = dayOfWeek.contains(time.weekday)
        return dayOfMonth.isAny || dayOfWeek.isAny ? isDay && isWeekday : isDay || isWeekday
    }

    /// The first time after one, in seconds since 1970; nil where there is none within five years.
    ///
    /// It advances field by field as robfig/cron does, so that the same times come out when clocks are put forward or
    /// back: an hour that does not exist is skipped, one that comes twice counts twice.
    func next(after seconds: Int64, in zone: ZoneRules) -> Int64? {
        var time = ZonedTime(seconds: seconds + 1, zone: zone)
        let lastYear = time.year + 5
        var hasAdvanced = false
        search: while time.year <= lastYear {
            while !month.contains(time.month) {
                if !hasAdvanced { time = ZonedTime(year: time.year, month: time.month, day: 1, zone: zone) }
                hasAdvanced = true
                time = time.inNextMonth
                if time.month == 1 { continue search }
            }
            while !matchesDay(time) {
                if !hasAdvanced { time = ZonedTime(year: time.year, month: time.month, day: time.day, zone: zone) }
                hasAdvanced = true
                time = time.onNextDay
                // Midnight may be missing, or come twice.
                if time.hour > 12 {
                    time = time.adding(Int64(24 - time.hour) * 3600)
                } else if time.hour > 0 {
                    time = time.adding(-Int64(time.hour) * 3600)
                }
                if time.day == 1 { continue search }
            }
            while !hour.contains(time.hour) {
                if !hasAdvanced {
                    time = ZonedTime(year: time.year, month: time.month, day: time.day, hour: time.hour, zone: zone)
                }
                hasAdvanced = true
                time = time.adding(3600)
                if time.hour == 0 { continue search }
            }
            while !minute.contains(time.minute) {
                if !hasAdvanced { time = time.adding(-Int64(time.second)) }
                hasAdvanced = true
                time = time.adding(60)
                if time.minute == 0 { continue search }
            }
            // The second is 0.
            while time.second != 0 {
                hasAdvanced = true
                time = time.adding(1)
                if time.second == 0 { continue search }
            }
            return time.seconds
        }
        return nil
    }
}
