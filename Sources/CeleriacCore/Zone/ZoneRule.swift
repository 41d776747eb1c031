import CeleriacWire
import FoundationEssentials

/// What a zone's clocks do every year from now on: POSIX's `TZ` text, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Sendable, Hashable {
    /// A day of the year and a time on it, of the clocks as they stand before the change.
    struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// A weekday (Sunday is 0) of a week of a month; week 5 is the last.
            case weekday(month: Int, week: Int, weekday: Int)
            /// A day of the year from 1; 29 February is never counted.
            case julian(Int)
            /// A day of the year from 0; 29 February is counted.
            case ordinal(Int)
        }
        var day: Day
        /// Seconds since midnight; may be negative or more than a day.
        var time: Int
    }

    /// Seconds ahead of UTC.
    let standard: Int
    /// The offset in summer, and when it begins and ends; nil where clocks are never changed.
    let summer: Summer?

    struct Summer: Sendable, Hashable {
        var offset: Int
        var begin: Change
        var end: Change
    }

    init?(_ text: ArraySlice<UInt8>) {
        var reader = ZoneRuleReader(text)
        guard let rule = reader.read() else { return nil }
        self = rule
    }

    init(standard: Int, summer: Summer?) {
        self.standard = standard
        self.summer = summer
    }

    func offset(at time: Int) -> Int {
        transitions(around: time).last { $0.time <= time }?.offset ?? standard
    }

    /// The changes of the year in which a time lies and of those beside it, ascending.
    func transitions(around time: Int) -> [ZoneData.Transition] {
        guard let summer, let year = Self.year(of: time) else { return [] }
        return (year - 1...year + 1).flatMap { year -> [ZoneData.Transition] in
            guard let begin = Self.seconds(of: summer.begin, in: year), let end = Self.seconds(of: summer.end, in: year)
            else { return [] }
            return [
                .init(time: begin - standard, offset: summer.offset),
                .init(time: end - summer.offset, offset: standard),
            ]
        }.sorted { $0.time < $1.time }
    }

    private static func year(of time: Int) -> Int? {
        LocalDateTime(utc: .init(timeIntervalSince1970: Double(time)))?.date.year
    }

    /// Seconds from 1970 to a change, all in local time.
    private static func seconds(of change: Change, in year: Int) -> Int? {
        switch change.day {
        case .weekday(let month, let week, let weekday):
            guard let first = days(year, month, 1) else { return nil }
            // 1 January 1970 was a Thursday.
            var day = first + ((weekday - (first + 4)) % 7 + 7) % 7 + 7 * (week - 1)
            let next = month == 12 ? days(year + 1, 1, 1) : days(year, month + 1, 1)
            while let next, day >= next { day -= 7 }
            return day * 86_400 + change.time
        case .julian(let number):
            guard let first = days(year, 1, 1), let march = days(year, 3, 1) else { return nil }
            let leap = march - first == 60 && number >= 60 ? 1 : 0
            return (first + number - 1 + leap) * 86_400 + change.time
        case .ordinal(let number):
            return days(year, 1, 1).map { ($0 + number) * 86_400 + change.time }
        }
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        guard let date = LocalDateTime(year: year, month: month, day: day) else { return nil }
        return Int(exactly: date.instant().timeIntervalSince1970 / 86_400)
    }
}
