package import CeleriacCore
import CeleriacWire
import MachineryWire

package import struct FoundationEssentials.Date

/// When a periodic task is due, in Machinery's cron grammar: five fields (minute, hour, day of month, month, day of
/// week), `@every 1h30m`, `@daily` and the like, each with `CRON_TZ=Zone` in front if need be.
package struct CronSchedule: Schedule {
    private enum Kind: Sendable {
        /// This many seconds after the last time.
        case every(Int)
        case fields(CronFields, CalendarZone)
    }
    private let kind: Kind
    /// The schedule as it was written.
    package let description: String

    /// Reads a schedule.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` that names the part that cannot be read.
    package init(_ spec: String) throws(CeleriacError) { try self.init(spec, local: CalendarZone.local) }

    init(_ spec: String, local: CalendarZone) throws(CeleriacError) {
        description = spec
        var rest = Substring(spec)
        var zone = local
        for prefix in ["CRON_TZ=", "TZ="] where rest.hasPrefix(prefix) {
            guard let space = rest.firstIndex(of: " ") else {
                throw CeleriacError(.configuration, "nothing follows the time zone in '\(spec)'")
            }
            let name = String(rest[..<space].dropFirst(prefix.utf8.count))
            zone = name.isEmpty ? .utc : try CalendarZone(name)
            rest = rest[space...].drop { $0 == " " }
            break
        }
        if rest.hasPrefix("@every ") {
            guard let seconds = GoDuration.seconds(rest.dropFirst(7)) else {
                throw CeleriacError(
                    .configuration, "'\(rest.dropFirst(7))' is not a duration: write one such as 1h30m10s")
            }
            kind = .every(max(1, seconds))
        } else if rest.hasPrefix("@") {
            guard let expression = Self.descriptors[String(rest)] else {
                throw CeleriacError(
                    .configuration, "'\(rest)' is not a schedule: write @every with a duration, or @daily and the like")
            }
            kind = .fields(try CronFields(expression), zone)
        } else {
            kind = .fields(try CronFields(rest), zone)
        }
    }

    private static let descriptors: [String: Substring] = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// The first time after `lastRun`, in whole seconds; nil if there is none within five years.
    package func next(after lastRun: Date) -> Date? {
        let seconds = Int(exactly: min(max(lastRun.timeIntervalSince1970.rounded(.down), -4e10), 4e10)) ?? 0
        switch kind {
        case .every(let interval):
            return Date(timeIntervalSince1970: Double(seconds + interval))
        case .fields(let fields, let zone):
            return fields.next(after: seconds, in: zone).map { Date(timeIntervalSince1970: Double($0)) }
        }
    }
}

extension CronFields {
    /// The first matching second after another one, both counted from 1970; nil if there is none within five years.
    ///
    /// It advances field by field as robfig/cron does, so that it finds the same times when clocks are put forward or
    /// back: it skips an hour that does not exist, and counts an hour that comes twice both times.
    fileprivate func next(after seconds: Int, in zone: CalendarZone) -> Int? {
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
            while !matchesDay(time.day, weekday: time.weekday) {
                if !hasAdvanced { time = ZonedTime(year: time.year, month: time.month, day: time.day, zone: zone) }
                hasAdvanced = true
                time = time.onNextDay
                // Midnight may be missing, or come twice.
                if time.hour > 12 {
                    time = time.adding((24 - time.hour) * 3600)
                } else if time.hour > 0 {
                    time = time.adding(-time.hour * 3600)
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
                if !hasAdvanced { time = time.adding(-time.second) }
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

/// An instant as the clocks and the calendar of a zone show it, with the arithmetic of Go's `time.Time`.
private struct ZonedTime {
    /// Seconds since 1970.
    let seconds: Int
    let zone: CalendarZone
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Sunday.
    let weekday: Int

    init(seconds: Int, zone: CalendarZone) {
        self.seconds = seconds
        self.zone = zone
        let local = seconds + zone.offset(atSecond: seconds)
        let (days, rest) = local.flooringQuotientAndRemainder(dividingBy: 86_400)
        (year, month, day) = CivilDate.of(daysSince1970: days)
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = CivilDate.weekday(daysSince1970: days)
    }

    /// The instant at which the zone's clocks show a time, as Go's `time.Date` finds it: a day past the end of a month
    /// lies in the next month, and where clocks skip the time or show it twice, one of the two offsets counts.
    init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, zone: CalendarZone) {
        let years = year + (month - 1) / 12
        let days = CivilDate.daysSince1970(year: years, month: (month - 1) % 12 + 1, day: 1) + day - 1
        let local = days * 86_400 + hour * 3600 + minute * 60 + second
        let guess = local - zone.offset(atSecond: local)
        self.init(seconds: local - zone.offset(atSecond: guess), zone: zone)
    }

    func adding(_ seconds: Int) -> ZonedTime { ZonedTime(seconds: self.seconds + seconds, zone: zone) }

    var inNextMonth: ZonedTime {
        ZonedTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second, zone: zone)
    }

    var onNextDay: ZonedTime {
        ZonedTime(year: year, month: month, day: day + 1, hour: hour, minute: minute, second: second, zone: zone)
    }
}
