import CeleriacWire
public import FoundationEssentials

/// Times as Celery writes them in `eta`, `expires` and `date_done`: Python's `isoformat`.
public enum CeleryTime {
    /// Reads ISO 8601 text with or without a fraction, and with `Z`, an offset or neither.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - utcOffset: Seconds east of UTC for a time without an offset; at most a day in either direction.
    /// - Returns: The instant; `nil` if the text is not a time.
    public static func date(_ text: String, utcOffset: Int = 0) -> Date? {
        guard -86_400...86_400 ~= utcOffset, let (local, offset) = ISO8601.parse(text) else { return nil }
        return local.instant(utcOffset: offset ?? utcOffset * 1_000_000)
    }

    /// Writes an instant in UTC as Python does: with `+00:00`, and with microseconds unless they are zero. `nil`
    /// outside the years 1 to 9999.
    public static func text(_ date: Date) -> String? {
        ISO8601.format(date)
    }

    /// The property `expiration` of a message that is published at `now` and expires at `expires`: whole milliseconds,
    /// or `"0"` if that time has passed. kombu 5 sends it whenever `expires` is set.
    public static func expiration(expires: Date, now: Date) -> String {
        let milliseconds = (expires.timeIntervalSince(now) * 1000).rounded(.down)
        guard milliseconds > 0 else { return "0" }
        return String(Int64(exactly: milliseconds) ?? .max)
    }
}
