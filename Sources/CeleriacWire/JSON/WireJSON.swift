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
