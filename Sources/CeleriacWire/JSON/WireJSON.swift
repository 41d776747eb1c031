/// JSON as Celery's peers speak it, over `WireValue`.
///
/// The reader is strict where JSON is (grammar, UTF-8, nothing after the value) and follows Python's `json.loads` beyond:
/// `NaN`, `Infinity` and `-Infinity` are numbers, integers have any length (`.number` past 64 bits), a float that is too
/// large is infinite, the last of equal keys wins at the place of the first. Unlike Python it refuses what Swift's text
/// cannot hold: a lone surrogate escape (`loneSurrogate`), and two keys that differ only in their Unicode composition
/// (`ambiguousKey`). Replacing or dropping them would run a task with other arguments than were sent.
public enum WireJSON {
    /// Reads one value.
    ///
    /// - Throws: `WireError` with the offset at which the bytes stop being acceptable.
    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = .default, reading: JSONReading = .python
    ) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits, reading: reading)
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset at which the bytes stop being acceptable.
    public static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset at which the bytes stop being acceptable.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try bytes.withMemoryRebound(to: UInt8.self) { bytes throws(WireError) in
            try decode(bytes.span, limits: limits)
        }
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset at which the bytes stop being acceptable.
    public static func decode(
        _ bytes: Span<UInt8>, limits: WireLimits = .default, reading: JSONReading = .python
    ) throws(WireError) -> WireValue {
        var parser = try JSONParser(bytes: bytes, limits: limits, reading: reading)
        return try parser.parse(bytes)
    }

    /// Writes one value.
    ///
    /// - Throws: `WireError`: `bytesUnsupported` for `.bytes` (a value coding maps those first), `nonFinite`,
    ///   `invalidNumber` for a `.number` whose text is none, `tooDeep` past 128 levels.
    public static func encode(
        _ value: WireValue, style: JSONStyle = .compact, nonFinite: NonFinitePolicy = .refuse
    ) throws(WireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        try encode(value, into: &bytes, style: style, nonFinite: nonFinite)
        return bytes
    }

    /// Writes one value at the end of `bytes`, which after an error hold a part of it.
    ///
    /// - Throws: As `encode(_:style:nonFinite:)`.
    public static func encode(
        _ value: WireValue,
        into bytes: inout [UInt8],
        style: JSONStyle = .compact,
        nonFinite: NonFinitePolicy = .refuse
    ) throws(WireError) {
        var writer = JSONWriter(output: bytes, style: style, nonFinite: nonFinite)
        bytes = []
        defer { bytes = writer.output }
        try writer.write(value)
    }

    /// Writes text in quotation marks at the end of `bytes`: for encoders that lay out an object by themselves.
    package static func encode(text: String, into bytes: inout [UInt8], style: JSONStyle) {
        var writer = JSONWriter(output: bytes, style: style, nonFinite: .refuse)
        bytes = []
        writer.write(string: text)
        bytes = writer.output
    }
}

/// How JSON is spelled: all styles say the same to a reader, but not the same bytes.
public struct JSONStyle: Sendable, Hashable {
    /// How characters of a string are written.
    enum Escaping: Sendable, Hashable {
        /// Only what JSON demands: quotation mark, reverse solidus and control characters.
        case minimal
        /// Printable ASCII only; all else as `\u` escapes, as Python's `ensure_ascii`.
        case ascii
        /// As Go's `encoding/json`, which keeps text safe to stand in HTML.
        case go
    }

    /// Whether a space follows each comma and colon.
    var spaced: Bool
    var escaping: Escaping

    /// No spaces, text as UTF-8. Floats as Python writes them.
    public static let compact = JSONStyle(spaced: false, escaping: .minimal)
    /// Byte for byte what Python's `json.dumps` writes by default: a space after comma and colon, and everything but
    /// printable ASCII as `\u` escapes with surrogate pairs.
    public static let python = JSONStyle(spaced: true, escaping: .ascii)
    /// Byte for byte what Python's `json.dumps` writes with `ensure_ascii=False`: a space after comma and colon, text as
    /// UTF-8.
    public static let readable = JSONStyle(spaced: true, escaping: .minimal)
    /// Byte for byte what Go's `encoding/json` writes (before Go 1.22, which has shorter escapes for two control
    /// characters): no spaces, `<`, `>`, `&` and the two line separators as escapes, other text as UTF-8, floats in
    /// plain decimals between 1e-6 and 1e21 and without a needless `.0`. Keys stay in the order they have.
    public static let go = JSONStyle(spaced: false, escaping: .go)
}

/// What a JSON encoder does with `NaN` and the infinities, which JSON lacks and Python writes as bare words.
public enum NonFinitePolicy: Sendable, Hashable {
    /// Throws `WireError.Code.nonFinite`.
    case refuse
    /// Writes `NaN`, `Infinity` or `-Infinity`, as Python's `json.dumps` does. Strict JSON readers reject them.
    case allow
}

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
