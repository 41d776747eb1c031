/// YAML 1.1 as Python's `yaml.safe_load` and `yaml.safe_dump` speak it, over `WireValue`; the grammar by libyaml, which
/// Yams brings.
///
/// Plain text is resolved as PyYAML does: `yes` is true, `010` is 8, `1:30` is 90, `1e5` is text for want of a point.
/// Differences: a timestamp stays text (a value coding reads it); keys must be text; merge keys (`<<`), sets, ordered maps
/// and tags of one's own are refused by name, as are values that contain themselves. An alias counts as all that it stands
/// for, so that a few of them cannot grow without bounds.
public enum WireYAML {
    /// Reads the one document in the bytes, which are UTF-8. No document at all is null.
    ///
    /// - Throws: `WireError`, whose message has line and column.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads the one document in borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError`, whose message has line and column.
    public static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads the one document in borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError`, whose message has line and column.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: WireLimits = .default
    ) throws(WireError) -> WireValue {
        try bytes.withMemoryRebound(to: UInt8.self) { bytes throws(WireError) in
            try decode(bytes.span, limits: limits)
        }
    }

    /// Reads the one document in borrowed memory, which is not kept.
    ///
    /// - Throws: `WireError`, whose message has line and column.
    public static func decode(_ bytes: Span<UInt8>, limits: WireLimits = .default) throws(WireError) -> WireValue {
        guard bytes.count <= limits.maximumMessageBytes else { throw .tooLarge(bytes.count, limits) }
        return try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            var composer = YAMLComposer(limits: limits)
            return try composer.compose(YAMLEventReader(bytes))
        }
    }

    /// Writes one value in flow style on one line of ASCII, with all text in quotation marks.
    ///
    /// - Throws: `WireError`: `invalidNumber` for a `.number` whose text is none, `tooDeep` past 128 levels.
    public static func encode(_ value: WireValue) throws(WireError) -> [UInt8] {
        var writer = YAMLWriter()
        try writer.write(value)
        return writer.output
    }
}
