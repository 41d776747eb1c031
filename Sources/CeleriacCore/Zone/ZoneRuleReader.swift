/// Reads the text of a ``ZoneRule``.
struct ZoneRuleReader {
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

    /// `[+-]hh[:mm[:ss]]` in seconds, less than a week and a bit.
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
