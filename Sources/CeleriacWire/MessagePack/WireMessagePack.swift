/// MessagePack as Python's `msgpack` speaks it with the options that kombu sets, over `WireValue`.
///
/// Text is `str`, bytes are `bin`; map keys must be text. Integers past `Int64` come as `.number`. Extension types,
/// timestamps among them, are refused by name: kombu never sends any, and `WireValue` has no form for them. As in JSON the
/// last of equal keys wins, and two keys that differ only in their Unicode composition are refused.
public enum WireMessagePack {
    /// Reads one value.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try bytes.withMemoryRebound(to: UInt8.self) { bytes throws(WireError) in
            try decode(bytes.span, limits: limits)
        }
    }

    /// Reads one value from borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(_ bytes: Span<UInt8>, limits: WireLimits = .default) throws(WireError) -> WireValue {
        var parser = try MessagePackParser(bytes: bytes, limits: limits)
        return try parser.parse(bytes)
    }

    /// Writes one value, each part in its shortest form, floats as 64 bits.
    ///
    /// - Throws: `WireError`: `invalidNumber` for an integer past 64 bits, `tooDeep` past 128 levels, `tooLarge` for text,
    ///   bytes or a container of 2^32 and more.
    public static func encode(_ value: WireValue) throws(WireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        try encode(value, into: &bytes)
        return bytes
    }

    /// Writes one value at the end of `bytes`, which after an error hold a part of it.
    ///
    /// - Throws: As `encode(_:)`.
    public static func encode(_ value: WireValue, into bytes: inout [UInt8]) throws(WireError) {
        var writer = MessagePackWriter(output: bytes)
        bytes = []
        defer { bytes = writer.output }
        try writer.write(value)
    }
}
