import MachineryWire

/// The rule at the end of a zone file, in POSIX's words: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneFormula: Sendable {
    private struct Change {
        /// The n-th (5: the last) of a weekday in a month, or a day of the year.
        enum Day {
            case weekday(month: Int, week: Int, day: Int)
            case day(Int, countsLeapDay: Bool)
        }
        let day: Day
        /// When clocks are changed, in seconds of that day.
        let time: Int64
    }
    private let standard: Int64
    private let summer: (offset: Int64, from: Change, to: Change)?

    /// Reads a rule; nil for what is none.
    init?(_ text: String) {
        var reader = Reader(rest: Substring(text))
        guard reader.skipName(), let west = reader.time() else { return nil }
        standard = -west
        guard !reader.rest.isEmpty else {
            summer = nil
            return
        }
        guard reader.skipName() else { return nil }
        var offset = standard + 3600
        if reader.rest.first != "," {
            guard let west = reader.time() else { return nil }
            offset = -west
        }
        guard reader.take(","), let from = reader.change(), reader.take(","), let to = reader.change(),
            reader.rest.isEmpty
        else { return nil }
        summer = (offset, from, to)
    }

    /// The offset at an instant, in seconds east of UTC.
    func offset(at seconds: Int64) -> Int64 {
        guard let summer else { return standard }
        let local = seconds + standard
        let (year, _, _) = CivilDate.of(daysSince1970: Int((local >= 0 ? local : local - 86_399) / 86_400))
        let start = Self.instant(of: summer.from, in: year) - standard
        let end = Self.instant(of: summer.to, in: year) - summer.offset
        let isSummer = start < end ? seconds >= start && seconds < end : !(seconds >= end && seconds < start)
        return isSummer ? summer.offset : standard
    }

    /// A change as the clocks that are changed show it.
    private static func instant(of change: Change, in year: Int) -> Int64 {
        let days: Int
        switch change.day {
        case .day(let number, let countsLeapDay):
            let first = CivilDate.daysSince1970(year: year, month: 1, day: 1)
            let isLeap = CivilDate.daysSince1970(year: year + 1, month: 1, day: 1) - first == 366
            days = first + (countsLeapDay ? number : number - 1 + (isLeap && number >= 60 ? 1 : 0))
        case .weekday(let month, let week, let day):
            let first = CivilDate.daysSince1970(year: year, month: month, day: 1)
            let next = CivilDate.daysSince1970(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
            let weekday = ((first + 4) % 7 + 7) % 7
            var candidate = first + (day - weekday + 7) % 7 + 7 * (week - 1)
            while candidate >= next { candidate -= 7 }
            days = candidate
        }
        return Int64(days) * 86_400 + change.time
    }

    private struct Reader {
        var rest: Substring

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        /// A name of letters, or of anything in angle brackets.
        mutating func skipName() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: end)...]
                return true
            }
            let name = rest.prefix { $0.isLetter }
            rest = rest[name.endIndex...]
            return !name.isEmpty
        }

        mutating func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.utf8.count <= 4 else { return nil }
            rest = rest[digits.endIndex...]
            return Int(digits)
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time() -> Int64? {
            let sign: Int64 = take("-") ? -1 : 1
            if sign == 1 { _ = take("+") }
            guard let hours = number() else { return nil }
            var seconds = Int64(hours) * 3600
            for unit in [60, 1] as [Int64] where take(":") {
                guard let value = number() else { return nil }
                seconds += Int64(value) * unit
            }
            return sign * seconds
        }

        mutating func change() -> Change? {
            let day: Change.Day
            if take("M") {
                guard let month = number(), take("."), let week = number(), take("."), let weekday = number(),
                    1...12 ~= month, 1...5 ~= week, 0...6 ~= weekday
                else { return nil }
                day = .weekday(month: month, week: week, day: weekday)
            } else {
                let skipsLeapDay = take("J")
                guard let number = number(), number <= 366 else { return nil }
                day = .day(number, countsLeapDay: !skipsLeapDay)
            }
            guard take("/") else { return Change(day: day, time: 7200) }
            guard let time = time() else { return nil }
            return Change(day: day, time: time)
        }
    }
}
