/// Reads dates and times from ASCII. What does not fit gives `nil`.
struct ISO8601Reader {
    private let text: String.UTF8View
    private var index: String.UTF8View.Index

    init(_ text: String) {
        self.text = text.utf8
        self.index = text.utf8.startIndex
    }

    var isAtEnd: Bool { index == text.endIndex }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard index < text.endIndex, text[index] == UInt8(ascii: character) else { return false }
        index = text.index(after: index)
        return true
    }

    /// `YYYY-MM-DD` or `YYYYMMDD`.
    mutating func readDate() -> LocalDate? {
        guard let year = readNumber(digits: 4) else { return nil }
        let separated = skip("-")
        guard let month = readNumber(digits: 2), skip("-") == separated, let day = readNumber(digits: 2) else {
            return nil
        }
        return LocalDate(year: year, month: month, day: day)
    }

    /// `HH:MM[:SS[.f…]]` or the same without colons; a comma is as good as a point.
    mutating func readTime() -> LocalTime? {
        guard let hour = readNumber(digits: 2) else { return nil }
        let separated = skip(":")
        guard let minute = readNumber(digits: 2) else { return nil }
        var second = 0
        var microsecond = 0
        if separated ? skip(":") : nextIsDigit {
            guard let value = readNumber(digits: 2) else { return nil }
            second = value
            if skip(".") || skip(",") {
                guard let value = readFraction() else { return nil }
                microsecond = value
            }
        }
        return LocalTime(hour: hour, minute: minute, second: second, microsecond: microsecond)
    }

    /// `Z` or `±HH[:MM[:SS[.f…]]]`, as microseconds; less than a day.
    mutating func readOffset() -> Int? {
        if skip("Z") || skip("z") { return 0 }
        let negative = skip("-")
        guard negative || skip("+") else { return nil }
        let start = index
        guard let hour = readNumber(digits: 2), hour < 24 else { return nil }
        var offset = hour * 3_600_000_000
        if !isAtEnd {
            index = start
            guard let time = readTime() else { return nil }
            offset = time.microsecondsOfDay
        }
        return negative ? -offset : offset
    }

    private var nextIsDigit: Bool {
        index < text.endIndex && text[index] &- UInt8(ascii: "0") <= 9
    }

    private mutating func readDigit() -> Int? {
        guard nextIsDigit else { return nil }
        defer { index = text.index(after: index) }
        return Int(text[index] - UInt8(ascii: "0"))
    }

    private mutating func readNumber(digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let digit = readDigit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    private mutating func readFraction() -> Int? {
        var number = 0
        var digits = 0
        while let digit = readDigit() {
            if digits < 6 { number = number * 10 + digit }
            digits += 1
        }
        guard digits > 0 else { return nil }
        for _ in 0..<max(0, 6 - digits) { number *= 10 }
        return number
    }
}
