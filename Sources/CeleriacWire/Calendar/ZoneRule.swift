/// What a zone's clocks do every year from now on: POSIX's `TZ` text, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Sendable, Hashable {
    /// A day of the year and the time of the change on that day, as the clocks show it before the change.
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

    /// Summer time.
    struct Summer: Sendable, Hashable {
        /// Seconds ahead of UTC.
        var offset: Int
        var begin: Change
        var end: Change
    }

    /// Seconds ahead of UTC.
    let standard: Int
    /// Summer time; nil where clocks are never changed.
    let summer: Summer?

    /// Reads a rule; nil for text that is not one.
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
        guard let summer else { return standard }
        var latest = ZoneData.Transition(time: .min, offset: standard)
        for year in Self.years(around: time) {
            let (begin, end) = transitions(of: summer, in: year)
            if begin.time <= time, begin.time >= latest.time { latest = begin }
            if end.time <= time, end.time >= latest.time { latest = end }
        }
        return latest.offset
    }

    /// The changes in the year of a time and in the adjacent years, in ascending order.
    func transitions(around time: Int) -> [ZoneData.Transition] {
        guard let summer else { return [] }
        return Self.years(around: time).flatMap { year in
            let (begin, end) = transitions(of: summer, in: year)
            return [begin, end]
        }.sorted { $0.time < $1.time }
    }

    /// The year of a time and the adjacent years: a change near the end of one year may fall into another in UTC.
    private static func years(around time: Int) -> ClosedRange<Int> {
        // A damaged file may name any time.
        let days = min(max(time, -CalendarZone.farthestSecond), CalendarZone.farthestSecond)
            .flooringQuotientAndRemainder(dividingBy: 86_400).quotient
        let year = CivilDate.of(daysSince1970: days).year
        return year - 1...year + 1
    }

    private func transitions(of summer: Summer, in year: Int) -> (begin: ZoneData.Transition, end: ZoneData.Transition)
    {
        (
            .init(time: Self.seconds(of: summer.begin, in: year) - standard, offset: summer.offset),
            .init(time: Self.seconds(of: summer.end, in: year) - summer.offset, offset: standard)
        )
    }

    /// Seconds from the beginning of 1970 to a change, both in local time.
    private static func seconds(of change: Change, in year: Int) -> Int {
        let day: Int
        switch change.day {
        case .weekday(let month, let week, let weekday):
            let first = CivilDate.daysSince1970(year: year, month: month, day: 1)
            let ahead = (weekday - CivilDate.weekday(daysSince1970: first) + 7) % 7 + 7 * (week - 1)
            // The fifth week may be the fourth.
            day = first + (ahead < CivilDate.days(inMonth: month, of: year) ? ahead : ahead - 7)
        case .julian(let number):
            let isPastLeapDay = number >= 60 && CivilDate.days(inMonth: 2, of: year) == 29
            day = CivilDate.daysSince1970(year: year, month: 1, day: number + (isPastLeapDay ? 1 : 0))
        case .ordinal(let number):
            day = CivilDate.daysSince1970(year: year, month: 1, day: number + 1)
        }
        return day * 86_400 + change.time
    }
}

/// Reads the text of a ``ZoneRule``. Every method returns nil or false for text that does not fit.
private struct ZoneRuleReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        rest = text
    }

    /// `std offset [dst [offset] , start[/time] , end[/time]]`.
    mutating func read() -> ZoneRule? {
        guard skipName(), let west = readTime() else { return nil }
        let standard = -west
        if rest.isEmpty { return ZoneRule(standard: standard, summer: nil) }
        guard skipName() else { return nil }
        var summer = standard + 3600
        if rest.first != UInt8(ascii: ",") {
            guard let west = readTime() else { return nil }
            summer = -west
        }
        guard let begin = readChange(), let end = readChange(), rest.isEmpty else { return nil }
        return ZoneRule(standard: standard, summer: .init(offset: summer, begin: begin, end: end))
    }

    /// Letters, or anything in angle brackets.
    private mutating func skipName() -> Bool {
        if skip("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    private mutating func readChange() -> ZoneRule.Change? {
        guard skip(","), let day = readDay() else { return nil }
        guard skip("/") else { return ZoneRule.Change(day: day, time: 7200) }
        return readTime().map { ZoneRule.Change(day: day, time: $0) }
    }

    private mutating func readDay() -> ZoneRule.Change.Day? {
        if skip("M") {
            guard let month = readNumber(1...12), skip("."), let week = readNumber(1...5), skip("."),
                let weekday = readNumber(0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
        if skip("J") { return readNumber(1...365).map { .julian($0) } }
        return readNumber(0...365).map { .ordinal($0) }
    }

    /// `[+-]hh[:mm[:ss]]` in seconds; up to 167 hours, as RFC 9636 extends POSIX.
    private mutating func readTime() -> Int? {
        let negative = skip("-")
        if !negative { _ = skip("+") }
        guard let hours = readNumber(0...167) else { return nil }
        var seconds = hours * 3600
        if skip(":") {
            guard let minutes = readNumber(0...59) else { return nil }
            seconds += minutes * 60
            if skip(":") {
                guard let rest = readNumber(0...59) else { return nil }
                seconds += rest
            }
        }
        return negative ? -seconds : seconds
    }

    private mutating func readNumber(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        guard 1...3 ~= digits.count, let number = Int(String(decoding: digits, as: UTF8.self)),
            range.contains(number)
        else { return nil }
        return number
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
