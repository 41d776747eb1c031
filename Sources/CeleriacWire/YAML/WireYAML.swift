/// Reads and writes YAML 1.1 as Python's `yaml.safe_load` and `yaml.safe_dump` do. libyaml, which Yams brings, parses
/// the grammar.
///
/// Plain text is resolved as in PyYAML: `yes` is true, `010` is 8, `1:30` is 90, and `1e5` is text because it has no
/// point. There are differences: a timestamp stays text (a value coding reads it); keys must be text; merge keys
/// (`<<`), sets, ordered maps, custom tags and values that contain themselves are refused. An alias counts against the
/// limits as much as the value it repeats, so that a few aliases cannot grow without bounds.
public enum WireYAML {
    /// Reads the only document in the bytes, which are UTF-8. Bytes without a document are null.
    ///
    /// - Throws: `WireError`, whose message names the line and the column.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads the only document in borrowed memory, and keeps no reference to it.
    ///
    /// - Throws: `WireError`, whose message names the line and the column.
    public static func decode(_ bytes: Span<UInt8>, limits: WireLimits = .default) throws(WireError) -> WireValue {
        guard bytes.count <= limits.maximumMessageBytes else { throw .tooLarge(bytes.count, limits) }
        return try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            var composer = YAMLComposer(limits: limits)
            return try composer.compose(YAMLEventReader(bytes))
        }
    }

    /// Writes one value in flow style, on one line of ASCII, with all text in quotation marks.
    ///
    /// - Throws: `WireError`: `invalidNumber` for a `.number` whose text is not an integer, `tooDeep` past 128 levels.
    public static func encode(_ value: WireValue) throws(WireError) -> [UInt8] {
        try encode(value, maximumDepth: WireLimits.default.maximumDepth)
    }

    /// Writes one value that may be nested deeper, or less deep, than by default.
    package static func encode(_ value: WireValue, maximumDepth: Int) throws(WireError) -> [UInt8] {
        var writer = YAMLWriter(maximumDepth: maximumDepth)
        try writer.write(value)
        return writer.output
    }
}

/// Writes YAML in flow style, which reads the same in YAML 1.1 and 1.2. A depth check bounds its recursion.
private struct YAMLWriter {
    private(set) var output: [UInt8] = []
    private let maximumDepth: Int

    init(maximumDepth: Int) { self.maximumDepth = maximumDepth }

    /// Keys longer than this need a `?` before them: YAML looks at most 1024 characters ahead for the colon.
    private static let longestSimpleKey = 1000

    mutating func write(_ value: WireValue) throws(WireError) {
        try write(value, depth: 0)
        append("\n")
    }

    private mutating func write(_ value: WireValue, depth: Int) throws(WireError) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .int(let value): NumberText.append(value, to: &output)
        case .number(let text):
            guard let number = WireNumber(text) else {
                throw WireError(.invalidNumber, "the text of a .number value is not an integer")
            }
            append(number.text)
        case .double(let value): write(double: value)
        case .string(let text): write(string: text)
        case .bytes(let bytes):
            append("!!binary \"")
            output.append(contentsOf: Base64.encode(bytes) as [UInt8])
            append("\"")
        case .array(let array):
            guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
            append("[")
            for (index, element) in array.enumerated() {
                if index > 0 { append(", ") }
                try write(element, depth: depth + 1)
            }
            append("]")
        case .object(let object):
            guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
            append("{")
            for (index, (key, element)) in object.enumerated() {
                if index > 0 { append(", ") }
                write(key: key)
                try write(element, depth: depth + 1)
            }
            append("}")
        }
    }

    private mutating func write(key: String) {
        let start = output.count
        write(string: key)
        if output.count - start > Self.longestSimpleKey {
            output.insert(contentsOf: "? ".utf8, at: start)
        }
        append(": ")
    }

    private mutating func write(double value: Double) {
        if value.isNaN {
            append(".nan")
        } else if value.isInfinite {
            append(value < 0 ? "-.inf" : ".inf")
        } else {
            var text: [UInt8] = []
            NumberText.append(python: value, to: &text)
            // PyYAML reads an exponent without a point as text.
            if !text.contains(UInt8(ascii: ".")), let exponent = text.firstIndex(of: UInt8(ascii: "e")) {
                text.insert(contentsOf: ".0".utf8, at: exponent)
            }
            output.append(contentsOf: text)
        }
    }

    private mutating func write(string: String) {
        append("\"")
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case " "..."~": output.append(UInt8(truncatingIfNeeded: scalar.value))
            case ..."\u{ffff}": appendEscape("\\u", scalar.value, digits: 4)
            default: appendEscape("\\U", scalar.value, digits: 8)
            }
        }
        append("\"")
    }

    private mutating func appendEscape(_ prefix: String, _ value: UInt32, digits: Int) {
        append(prefix)
        let text = String(value, radix: 16)
        output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits - text.utf8.count))
        append(text)
    }

    private mutating func append(_ text: String) {
        output.append(contentsOf: text.utf8)
    }
}
