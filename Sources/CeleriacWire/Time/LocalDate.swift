/// A calendar date without a place, as Python's `datetime.date`: years 1 to 9999 of the Gregorian calendar.
public struct LocalDate: Sendable, Hashable {
    /// The year, 1 to 9999.
    public let year: Int
    /// The month, 1 to 12.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int

    /// Makes a date; `nil` when the calendar has no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard 1...9999 ~= year, 1...12 ~= month, day >= 1, day <= Self.days(inMonth: month, of: year) else {
            return nil
        }
        self.year = year
        self.month = month
        self.day = day
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

extension LocalDate {
    /// Days since 1 January 1970.
    var daysSince1970: Int {
        // Years counted from March put the leap day last.
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date so many days after 1 January 1970; `nil` outside the years 1 to 9999.
    init?(daysSince1970 days: Int) {
        guard -719_162...2_932_896 ~= days else { return nil }
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        self.init(
            year: era * 400 + yearOfEra + (month < 10 ? 0 : 1),
            month: month < 10 ? month + 3 : month - 9,
            day: dayOfYear - (153 * month + 2) / 5 + 1)
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
