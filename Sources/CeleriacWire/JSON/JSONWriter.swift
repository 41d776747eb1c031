/// Writes JSON at the end of a byte array. Its recursion is bounded by a depth check.
struct JSONWriter {
    private(set) var output: [UInt8]
    private let style: JSONStyle
    private let nonFinite: NonFinitePolicy
    private let maximumDepth: Int

    init(output: consuming [UInt8], style: JSONStyle, nonFinite: NonFinitePolicy, maximumDepth: Int) {
        self.output = output
        self.style = style
        self.nonFinite = nonFinite
        self.maximumDepth = maximumDepth
    }

    mutating func write(_ value: WireValue) throws(WireError) {
        try write(value, depth: 0)
    }

    private mutating func write(_ value: WireValue, depth: Int) throws(WireError) {
        switch value {
        case .null: append("null")
        case .bool(true): append("true")
        case .bool(false): append("false")
        case .int(let value): NumberText.append(value, to: &output)
        case .number(let text): try write(number: text)
        case .double(let value): try write(double: value)
        case .string(let text): write(string: text)
        case .bytes:
            throw WireError(
                .bytesUnsupported,
                "JSON has no form for raw bytes; map them with a value coding, or use MessagePack")
        case .array(let array): try write(array: array, depth: depth)
        case .object(let object): try write(object: object, depth: depth)
        }
    }

    private mutating func write(array: [WireValue], depth: Int) throws(WireError) {
        guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
        output.append(UInt8(ascii: "["))
        var first = true
        for element in array {
            if first { first = false } else { appendSeparator(UInt8(ascii: ",")) }
            try write(element, depth: depth + 1)
        }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func write(object: WireObject, depth: Int) throws(WireError) {
        guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
        output.append(UInt8(ascii: "{"))
        var first = true
        for (key, element) in object {
            if first { first = false } else { appendSeparator(UInt8(ascii: ",")) }
            write(string: key)
            appendSeparator(UInt8(ascii: ":"))
            try write(element, depth: depth + 1)
        }
        output.append(UInt8(ascii: "}"))
    }

    // MARK: Numbers

    private mutating func write(number text: String) throws(WireError) {
        guard NumberText.isJSONNumber(text) else {
            throw WireError(.invalidNumber, "the text of a .number value is not a decimal number")
        }
        output.append(contentsOf: text.utf8)
    }

    private mutating func write(double value: Double) throws(WireError) {
        if value.isFinite {
            switch style.escaping {
            case .go: NumberText.append(go: value, to: &output)
            case .minimal, .ascii: NumberText.append(python: value, to: &output)
            }
            return
        }
        guard nonFinite == .allow else {
            throw WireError(
                .nonFinite, "JSON has no form for NaN and the infinities; pass nonFinite: .allow for Python's")
        }
        append(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    }

    // MARK: Strings

    mutating func write(string: String) {
        output.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { write(characters: $0.span) }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func write(characters bytes: Span<UInt8>) {
        var index = 0
        while true {
            let stop =
                switch style.escaping {
                case .minimal: TextScan.endOfPlainRun(bytes, from: index)
                case .ascii: TextScan.endOfPrintableRun(bytes, from: index)
                case .go: TextScan.endOfGoRun(bytes, from: index)
                }
            if stop > index {
                bytes.extracting(index..<stop).withUnsafeBufferPointer { output.append(contentsOf: $0) }
            }
            guard stop < bytes.count else { return }
            index = writeEscaped(bytes, at: stop)
        }
    }

    /// Writes the character at `index` as an escape and returns the index after it.
    private mutating func writeEscaped(_ bytes: Span<UInt8>, at index: Int) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08 where style.escaping == .go, 0x0c where style.escaping == .go:
            appendUnicodeEscape(UInt32(bytes[index]))
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0a: append("\\n")
        case 0x0c: append("\\f")
        case 0x0d: append("\\r")
        case let byte where byte < 0x80: appendUnicodeEscape(UInt32(byte))
        default: return writeNonASCII(bytes, at: index)
        }
        return index + 1
    }

    /// Writes a character past ASCII as one or two `\u` escapes. The bytes come from a `String`, so they are UTF-8.
    private mutating func writeNonASCII(_ bytes: Span<UInt8>, at index: Int) -> Int {
        let lead = bytes[index]
        let length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        let stop = min(index + length, bytes.count)
        var scalar = UInt32(lead) & (0x7f >> UInt32(length))
        for next in index + 1..<stop {
            scalar = scalar << 6 | UInt32(bytes[next] & 0x3f)
        }
        if scalar < 0x10000 {
            appendUnicodeEscape(scalar)
        } else {
            appendUnicodeEscape(0xd800 + (scalar - 0x10000) >> 10)
            appendUnicodeEscape(0xdc00 + (scalar - 0x10000) & 0x3ff)
        }
        return stop
    }

    private mutating func appendUnicodeEscape(_ unit: UInt32) {
        append("\\u")
        for shift in stride(from: 12, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: unit >> shift & 0xf)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : 87 + digit)
        }
    }

    // MARK: Small parts

    @inline(__always)
    private mutating func appendSeparator(_ byte: UInt8) {
        output.append(byte)
        if style.spaced { output.append(UInt8(ascii: " ")) }
    }

    @inline(__always)
    private mutating func append(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
