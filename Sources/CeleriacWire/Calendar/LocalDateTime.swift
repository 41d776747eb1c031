public import FoundationEssentials

/// A date and a time of day without a time zone, as Python's naive `datetime.datetime`. Which instant it means depends
/// on the reader's zone. For an instant use `Date`.
public struct LocalDateTime: Sendable, Hashable {
    /// The date.
    public let date: LocalDate
    /// The time of day.
    public let time: LocalTime

    /// Makes a date and time from its parts.
    public init(date: LocalDate, time: LocalTime = .midnight) {
        self.date = date
        self.time = time
    }

    /// Makes a date and time; `nil` if there is no such day or no such time of day.
    public init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0
    ) {
        guard let date = LocalDate(year: year, month: month, day: day),
            let time = LocalTime(hour: hour, minute: minute, second: second, microsecond: microsecond)
        else { return nil }
        self.init(date: date, time: time)
    }
}

extension LocalDateTime {
    /// The date and time in UTC of an instant, rounded to the microsecond; `nil` outside the years 1 to 9999.
    public init?(utc instant: Date) {
        let microseconds = (instant.timeIntervalSince1970 * 1_000_000).rounded()
        guard let total = Int(exactly: microseconds) else { return nil }
        let (day, rest) = total.flooringQuotientAndRemainder(dividingBy: 86_400_000_000)
        guard let date = LocalDate(daysSince1970: day) else { return nil }
        self.init(date: date, time: LocalTime(microsecondsOfDay: rest))
    }

    /// The instant that has this date and time at an offset from UTC, in microseconds.
    public func instant(utcOffset: Int = 0) -> Date {
        let microseconds = date.daysSince1970 * 86_400_000_000 + time.microsecondsOfDay &- utcOffset
        let (seconds, rest) = microseconds.flooringQuotientAndRemainder(dividingBy: 1_000_000)
        return Date(timeIntervalSince1970: Double(seconds) + Double(rest) / 1_000_000)
    }
}

extension LocalDateTime: Comparable {
    /// The earlier one is less.
    public static func < (left: LocalDateTime, right: LocalDateTime) -> Bool {
        (left.date, left.time) < (right.date, right.time)
    }
}

extension LocalDateTime: LosslessStringConvertible {
    /// `YYYY-MM-DDTHH:MM:SS`, and `.ffffff` unless it is zero, as Python's `isoformat`.
    public var description: String {
        ISO8601.text { $0.append(self) }
    }

    /// Reads a date and, after `T` or a space, a time. Text with a zone offset is refused: it names an instant.
    public init?(_ text: String) {
        guard let (local, offset) = ISO8601.parse(text), offset == nil else { return nil }
        self = local
    }
}

extension LocalDateTime: Codable {
    /// Reads the ISO form. A `WireDecoder` asks its value coding instead.
    public init(from decoder: any Decoder) throws {
        self = try ISO8601.decode(Self.self, from: decoder)
    }

    /// Writes the ISO form. A `WireEncoder` asks its value coding instead.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
