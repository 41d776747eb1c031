public import FoundationEssentials

/// Dates and times as text, in the forms that Python's `isoformat` writes and `fromisoformat` reads.
public enum ISO8601 {
    /// Writes an instant in UTC to the microsecond, as Python does: `2026-01-31T12:00:00.250000+00:00`, without the
    /// fraction if it is zero. `nil` outside the years 1 to 9999.
    public static func format(_ instant: Date) -> String? {
        guard let local = LocalDateTime(utc: instant) else { return nil }
        return text {
            $0.append(local)
            $0.append("+00:00")
        }
    }

    /// Reads an instant: a date, a time and `Z` or an offset from UTC. `nil` for anything else, including a date and
    /// time without an offset, which names no instant.
    public static func parseInstant(_ text: String) -> Date? {
        guard case let (local, offset?)? = parse(text) else { return nil }
        return local.instant(utcOffset: offset)
    }

    /// Reads a date and, after `T` or a space, a time with or without an offset from UTC. The offset is in
    /// microseconds.
    ///
    /// A date alone stands for its midnight. `nil` for anything else.
    public static func parse(_ text: String) -> (local: LocalDateTime, utcOffset: Int?)? {
        var reader = ISO8601Reader(text)
        guard let date = reader.readDate() else { return nil }
        if reader.isAtEnd { return (LocalDateTime(date: date), nil) }
        guard reader.skip("T") || reader.skip("t") || reader.skip(" "), let time = reader.readTime() else { return nil }
        let local = LocalDateTime(date: date, time: time)
        if reader.isAtEnd { return (local, nil) }
        guard let offset = reader.readOffset(), reader.isAtEnd else { return nil }
        return (local, offset)
    }

    /// Returns the text that `write` writes.
    static func text(_ write: (inout ISO8601Writer) -> Void) -> String {
        var writer = ISO8601Writer()
        write(&writer)
        return String(decoding: writer.output, as: UTF8.self)
    }

    static func decode<T: LosslessStringConvertible>(_ type: T.Type, from decoder: any Decoder) throws -> T {
        let container = try decoder.singleValueContainer()
        guard let value = T(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 \(type)")
        }
        return value
    }
}

/// Writes dates and times as ASCII.
struct ISO8601Writer {
    private(set) var output: [UInt8] = []

    init() {
        output.reserveCapacity(32)
    }

    mutating func append(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ date: LocalDate) {
        append(date.year, digits: 4)
        append("-")
        append(date.month, digits: 2)
        append("-")
        append(date.day, digits: 2)
    }

    mutating func append(_ time: LocalTime) {
        append(time.hour, digits: 2)
        append(":")
        append(time.minute, digits: 2)
        append(":")
        append(time.second, digits: 2)
        if time.microsecond != 0 {
            append(".")
            append(time.microsecond, digits: 6)
        }
    }

    mutating func append(_ local: LocalDateTime) {
        append(local.date)
        append("T")
        append(local.time)
    }

    private mutating func append(_ value: Int, digits: Int) {
        var power = 1
        for _ in 1..<digits { power *= 10 }
        while power > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / power % 10))
            power /= 10
        }
    }
}

/// Reads dates and times from ASCII. Every method returns `nil` for text that does not fit.
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

    /// `HH:MM[:SS[.f…]]` or the same without colons; a comma may stand for the point.
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
