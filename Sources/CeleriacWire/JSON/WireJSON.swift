/// Reads and writes JSON the way Python and Go do, without losing what Foundation's coders lose.
///
/// The reader is as strict as the standard about grammar, UTF-8 and trailing bytes. Beyond the standard it follows
/// Python's `json.loads`: `NaN`, `Infinity` and `-Infinity` are numbers, integers have any length (`.number` past 64
/// bits), a float that is too large becomes infinite, and the last of several equal keys wins, in the position of the
/// first. Unlike Python it refuses what a Swift string cannot hold, a lone surrogate escape (`loneSurrogate`):
/// replacing it would run a task with arguments that nobody sent.
public enum WireJSON {
    /// Reads one value.
    ///
    /// - Throws: `WireError` with the offset of the first byte that is not acceptable.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits, reading: .python)
    }

    /// Reads one value from borrowed memory, and keeps no reference to it.
    ///
    /// - Throws: `WireError` with the offset of the first byte that is not acceptable.
    public static func decode(_ bytes: Span<UInt8>, limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes, limits: limits, reading: .python)
    }

    /// Reads one value by the rules of a dialect's own JSON reader.
    package static func decode(
        _ bytes: [UInt8], limits: WireLimits = .default, reading: JSONReading
    ) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits, reading: reading)
    }

    private static func decode(
        _ bytes: Span<UInt8>, limits: WireLimits, reading: JSONReading
    ) throws(WireError) -> WireValue {
        var parser = try JSONParser(bytes: bytes, limits: limits, reading: reading)
        return try parser.parse(bytes)
    }

    /// Writes one value.
    ///
    /// - Throws: `WireError`: `bytesUnsupported` for `.bytes` (map them with a value coding first), `nonFinite`,
    ///   `invalidNumber` for a `.number` whose text is not a number, `tooDeep` past 128 levels.
    public static func encode(
        _ value: WireValue, style: JSONStyle = .compact, nonFinite: NonFinitePolicy = .refuse
    ) throws(WireError) -> [UInt8] {
        try encode(value, style: style, nonFinite: nonFinite, maximumDepth: WireLimits.default.maximumDepth)
    }

    /// Writes one value that may be nested deeper, or less deep, than by default.
    package static func encode(
        _ value: WireValue, style: JSONStyle = .compact, nonFinite: NonFinitePolicy = .refuse, maximumDepth: Int
    ) throws(WireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        try encode(value, into: &bytes, style: style, nonFinite: nonFinite, maximumDepth: maximumDepth)
        return bytes
    }

    /// Appends one value to `bytes`. If it throws, part of the value may have been appended.
    package static func encode(
        _ value: WireValue,
        into bytes: inout [UInt8],
        style: JSONStyle = .compact,
        nonFinite: NonFinitePolicy = .refuse,
        maximumDepth: Int = WireLimits.default.maximumDepth
    ) throws(WireError) {
        var writer = JSONWriter(output: bytes, style: style, nonFinite: nonFinite, maximumDepth: maximumDepth)
        bytes = []
        defer { bytes = writer.output }
        try writer.write(value)
    }

    /// Appends a quoted string to `bytes`, for encoders that lay out an object themselves.
    package static func encode(text: String, into bytes: inout [UInt8], style: JSONStyle) {
        var writer = JSONWriter(output: bytes, style: style, nonFinite: .refuse, maximumDepth: 0)
        bytes = []
        writer.write(string: text)
        bytes = writer.output
    }
}

/// How JSON is spelled. All styles mean the same to a reader; their bytes differ.
public struct JSONStyle: Sendable, Hashable {
    /// Which characters of a string are escaped.
    enum Escaping: Sendable, Hashable {
        /// Only those that JSON requires: quotation mark, reverse solidus and control characters.
        case minimal
        /// Everything but printable ASCII, like Python's `ensure_ascii`.
        case ascii
        /// What Go's `encoding/json` escapes so that the text is safe inside HTML.
        case go
    }

    /// Whether a space follows each comma and colon.
    var spaced: Bool
    var escaping: Escaping

    /// No spaces, text as UTF-8, floats as Python writes them.
    public static let compact = JSONStyle(spaced: false, escaping: .minimal)
    /// Byte for byte what Python's `json.dumps` writes by default: a space after each comma and colon, and `\u` escapes
    /// with surrogate pairs for everything but printable ASCII.
    public static let python = JSONStyle(spaced: true, escaping: .ascii)
    /// Byte for byte what Python's `json.dumps` writes with `ensure_ascii=False`: a space after each comma and colon,
    /// text as UTF-8.
    public static let readable = JSONStyle(spaced: true, escaping: .minimal)
    /// Byte for byte what Go's `encoding/json` writes before Go 1.22, which shortened two escapes: no spaces; `<`, `>`,
    /// `&` and the two line separators escaped, other text as UTF-8; floats as plain decimals between 1e-6 and 1e21,
    /// without a needless `.0`. Keys keep their order.
    public static let go = JSONStyle(spaced: false, escaping: .go)
}

/// What an encoder does with `NaN` and the infinities, which JSON lacks and Python writes as bare words.
public enum NonFinitePolicy: Sendable, Hashable {
    /// Throws `WireError.Code.nonFinite`.
    case refuse
    /// Writes `NaN`, `Infinity` or `-Infinity`, as Python's `json.dumps` does. Strict JSON readers reject these words.
    case allow
}

/// How a JSON reader treats text that the standard leaves open or forbids.
package struct JSONReading: Sendable, Hashable {
    /// Whether numbers with a fraction or an exponent, and `-0`, keep their text (`.number`).
    var keepsNumberText: Bool
    /// Whether the reader stops after the first value and ignores what follows.
    var ignoresTrailingBytes: Bool
    /// Whether `NaN` and the infinities are numbers.
    var acceptsNonFinite: Bool
    /// Whether text that is not valid Unicode becomes U+FFFD instead of an error.
    var replacesInvalidText: Bool

    /// Python's `json.loads`, except that text which a Swift string cannot hold is refused.
    package static let python = JSONReading(
        keepsNumberText: false, ignoresTrailingBytes: false, acceptsNonFinite: true, replacesInvalidText: false)
    /// ``python``, but bytes and escapes that are not valid Unicode become U+FFFD: to look at text that only people
    /// read.
    package static let shown = JSONReading(
        keepsNumberText: false, ignoresTrailingBytes: false, acceptsNonFinite: true, replacesInvalidText: true)
    /// A Go decoder with `UseNumber`: it reads one value and ignores what follows; numbers keep their text (`1.0` stays
    /// `1.0`, as a `.number`); there is no `NaN`; bytes and escapes that are not valid Unicode become U+FFFD.
    package static let go = JSONReading(
        keepsNumberText: true, ignoresTrailingBytes: true, acceptsNonFinite: false, replacesInvalidText: true)
}
