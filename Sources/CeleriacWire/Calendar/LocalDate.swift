/// A calendar date without a time zone, as Python's `datetime.date`: years 1 to 9999 of the Gregorian calendar.
public struct LocalDate: Sendable, Hashable {
    /// The year, 1 to 9999.
    public let year: Int
    /// The month, 1 to 12.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int

    /// Makes a date; `nil` if the calendar has no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard 1...9999 ~= year, 1...12 ~= month, day >= 1, day <= CivilDate.days(inMonth: month, of: year) else {
            return nil
        }
        self.year = year
        self.month = month
        self.day = day
    }
}

extension LocalDate {
    /// Days since 1 January 1970.
    var daysSince1970: Int { CivilDate.daysSince1970(year: year, month: month, day: day) }

    /// The weekday: 0 is Sunday.
    package var weekday: Int { CivilDate.weekday(daysSince1970: daysSince1970) }

    /// Makes the date that is `days` days after 1 January 1970; `nil` outside the years 1 to 9999.
    init?(daysSince1970 days: Int) {
        guard -719_162...2_932_896 ~= days else { return nil }
        (year, month, day) = CivilDate.of(daysSince1970: days)
    }
}

extension LocalDate: Comparable {
    /// The earlier date is less.
    public static func < (left: LocalDate, right: LocalDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}

extension LocalDate: LosslessStringConvertible {
    /// `YYYY-MM-DD`, as Python's `isoformat`.
    public var description: String {
        ISO8601.text { $0.append(self) }
    }

    /// Reads `YYYY-MM-DD` or `YYYYMMDD`.
    public init?(_ text: String) {
        var reader = ISO8601Reader(text)
        guard let date = reader.readDate(), reader.isAtEnd else { return nil }
        self = date
    }
}

extension LocalDate: Codable {
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
