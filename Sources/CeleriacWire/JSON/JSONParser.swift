/// Reads one JSON value without recursion.
struct JSONParser: ~Copyable {
    // Not private, because the extension in another file that reads strings and numbers needs these three.
    var index = 0
    let end: Int
    let reading: JSONReading
    private var builder: WireValueBuilder

    init(bytes: Span<UInt8>, limits: WireLimits, reading: JSONReading) throws(WireError) {
        guard bytes.count <= limits.maximumMessageBytes else {
            throw .tooLarge(bytes.count, limits)
        }
        self.end = bytes.count
        self.reading = reading
        self.builder = WireValueBuilder(limits: limits)
    }

    mutating func parse(_ bytes: Span<UInt8>) throws(WireError) -> WireValue {
        while true {
            // A value starts here, or a container that has elements.
            guard var value = try startValue(bytes) else { continue }
            // The value is complete. It may be the last element of its container, and that of the next one.
            while true {
                skipWhitespace(bytes)
                guard let container = builder.container else {
                    guard index == end || reading.ignoresTrailingBytes else {
                        throw fail(.trailingBytes, "JSON text goes on after its value")
                    }
                    return value
                }
                builder.add(value)
                guard index < end else { throw truncated() }
                let byte = bytes[index]
                if byte == UInt8(ascii: ",") {
                    index &+= 1
                    if container == .object {
                        skipWhitespace(bytes)
                        try readKey(bytes)
                    }
                    break
                }
                guard byte == (container == .array ? UInt8(ascii: "]") : UInt8(ascii: "}")) else {
                    throw fail(.malformed, "expected ',' or the end of an array or object in JSON")
                }
                index &+= 1
                value = builder.close()
            }
        }
    }

    // MARK: Values

    /// Reads a scalar or an empty container. Returns `nil` for the opening bracket of any other container, now open.
    @inline(__always)
    private mutating func startValue(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        try builder.countToken(at: index)
        switch bytes[index] {
        case UInt8(ascii: "\""):
            return .string(try readString(bytes))
        case UInt8(ascii: "["):
            return try openArray(bytes)
        case UInt8(ascii: "{"):
            return try openObject(bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try readNumber(bytes)
        case UInt8(ascii: "n"):
            try expect("null", bytes)
            return .null
        case UInt8(ascii: "t"):
            try expect("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false", bytes)
            return .bool(false)
        case UInt8(ascii: "N") where reading.acceptsNonFinite:
            try expect("NaN", bytes)
            return .double(.nan)
        case UInt8(ascii: "I") where reading.acceptsNonFinite:
            try expect("Infinity", bytes)
            return .double(.infinity)
        default:
            throw fail(.malformed, "expected a JSON value")
        }
    }

    @inline(__always)
    private mutating func openArray(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        try builder.checkDepth(at: index)
        index &+= 1
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        if bytes[index] == UInt8(ascii: "]") {
            index &+= 1
            return .array([])
        }
        builder.open(.array)
        return nil
    }

    @inline(__always)
    private mutating func openObject(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        try builder.checkDepth(at: index)
        index &+= 1
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        if bytes[index] == UInt8(ascii: "}") {
            index &+= 1
            return .object([:])
        }
        builder.open(.object)
        try readKey(bytes)
        return nil
    }

    /// Reads a key and the colon after it.
    @inline(__always)
    private mutating func readKey(_ bytes: Span<UInt8>) throws(WireError) {
        guard index < end else { throw truncated() }
        guard bytes[index] == UInt8(ascii: "\"") else {
            throw fail(.malformed, "expected a key in quotation marks in JSON")
        }
        try builder.countToken(at: index)
        let start = index &+ 1
        let stop = TextScan.endOfPlainRun(bytes, from: start)
        guard stop < end else { throw truncated() }
        if bytes[stop] == UInt8(ascii: "\"") {
            index = stop &+ 1
            let part = bytes.extracting(start..<stop)
            builder.add(ObjectKey(try text(part, offset: start), utf8: part))
        } else {
            builder.add(ObjectKey(try readEscapedString(bytes, start: start, stop: stop)))
        }
        skipWhitespace(bytes)
        guard index < end else { throw truncated() }
        guard bytes[index] == UInt8(ascii: ":") else { throw fail(.malformed, "expected ':' after a key in JSON") }
        index &+= 1
    }

    // MARK: Small parts

    @inline(__always)
    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        while index < end {
            let byte = bytes[index]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            index &+= 1
        }
    }

    @inline(__always)
    mutating func expect(_ word: StaticString, _ bytes: Span<UInt8>) throws(WireError) {
        let count = word.utf8CodeUnitCount
        for position in 0..<count {
            guard index < end else { throw truncated() }
            guard bytes[index] == word.utf8Start[position] else { throw fail(.malformed, "expected a JSON value") }
            index &+= 1
        }
    }

    @inline(never)
    func fail(_ code: WireError.Code, _ message: String) -> WireError {
        WireError(code, message, offset: index)
    }

    @inline(never)
    func truncated() -> WireError {
        WireError(.truncated, "JSON text ends within a value", offset: end)
    }
}
