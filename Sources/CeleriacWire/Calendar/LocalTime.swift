/// A time of day without a time zone, as Python's naive `datetime.time`: to the microsecond, without leap seconds.
public struct LocalTime: Sendable, Hashable {
    /// The hour, 0 to 23.
    public let hour: Int
    /// The minute, 0 to 59.
    public let minute: Int
    /// The second, 0 to 59.
    public let second: Int
    /// The microsecond, 0 to 999,999.
    public let microsecond: Int

    /// Makes a time; `nil` if no clock shows it.
    public init?(hour: Int, minute: Int, second: Int = 0, microsecond: Int = 0) {
        guard 0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second, 0...999_999 ~= microsecond else { return nil }
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// Midnight, the beginning of a day.
    public static let midnight = LocalTime(microsecondsOfDay: 0)
}

extension LocalTime {
    /// Microseconds since midnight.
    var microsecondsOfDay: Int {
        ((hour * 60 + minute) * 60 + second) * 1_000_000 + microsecond
    }

    /// Makes the time that is this many microseconds after midnight, modulo a day.
    init(microsecondsOfDay: Int) {
        let seconds = microsecondsOfDay / 1_000_000
        hour = seconds / 3600 % 24
        minute = seconds / 60 % 60
        second = seconds % 60
        microsecond = microsecondsOfDay % 1_000_000
    }
}

extension LocalTime: Comparable {
    /// The earlier time is less.
    public static func < (left: LocalTime, right: LocalTime) -> Bool {
        left.microsecondsOfDay < right.microsecondsOfDay
    }
}

extension LocalTime: LosslessStringConvertible {
    /// `HH:MM:SS`, and `.ffffff` unless it is zero, as Python's `isoformat`.
    public var description: String {
        ISO8601.text { $0.append(self) }
    }

    /// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…`; digits past the microsecond are dropped.
    public init?(_ text: String) {
        var reader = ISO8601Reader(text)
        guard let time = reader.readTime(), reader.isAtEnd else { return nil }
        self = time
    }
}

extension LocalTime: Codable {
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
