public import FoundationEssentials

/// Dates and times as text, as Python's `isoformat` and `fromisoformat` have them.
public enum ISO8601 {
    /// Writes an instant in UTC to the microsecond, as Python does: `2026-01-31T12:00:00.250000+00:00`, without a fraction
    /// where it is zero. `nil` when it lies outside the years 1 to 9999.
    public static func format(_ instant: Date) -> String? {
        guard let local = LocalDateTime(utc: instant) else { return nil }
        return text {
            $0.append(local)
            $0.append("+00:00")
        }
    }

    /// Reads an instant: a date, a time and `Z` or an offset from UTC. `nil` for anything else, also for a date and time
    /// without offset, which names no instant.
    public static func parseInstant(_ text: String) -> Date? {
        guard case let (local, offset?)? = parse(text) else { return nil }
        return local.instant(utcOffset: offset)
    }

    /// Reads a date and, after `T` or a space, a time with or without offset from UTC. The offset is in microseconds.
    ///
    /// A date alone stands for its midnight.
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

    /// Lets `write` write ASCII.
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
