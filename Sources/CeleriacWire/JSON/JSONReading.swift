/// What a JSON reader makes of text that the standard leaves open, or forbids.
public struct JSONReading: Sendable, Hashable {
    /// Whether numbers with a fraction or an exponent, and `-0`, are kept as their text (`.number`).
    var keepsNumberText: Bool
    /// Whether the reader stops after the first value, whatever follows.
    var ignoresTrailingBytes: Bool
    /// Whether `NaN` and the infinities are numbers.
    var acceptsNonFinite: Bool
    /// Whether what is not Unicode text is read as U+FFFD, rather than refused.
    var replacesInvalidText: Bool

    /// As Python's `json.loads`, but what Swift's text cannot hold is refused.
    public static let python = JSONReading(
        keepsNumberText: false, ignoresTrailingBytes: false, acceptsNonFinite: true, replacesInvalidText: false)
    /// As a Go decoder with `UseNumber`: one value, whatever follows; numbers keep their text (`1.0` stays `1.0`, as a
    /// `.number`); no `NaN`; bytes and escapes that are not Unicode text become U+FFFD.
    public static let go = JSONReading(
        keepsNumberText: true, ignoresTrailingBytes: true, acceptsNonFinite: false, replacesInvalidText: true)
}
