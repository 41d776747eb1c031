/// Reads and writes MessagePack as Python's `msgpack` does with the options that kombu sets.
///
/// Text is `str`, bytes are `bin`, and map keys must be text. Integers past `Int64` are read as `.number`. Extension
/// types, timestamps included, are refused: kombu never sends any, and `WireValue` has no form for them. As in JSON,
/// the last of several equal keys wins.
public enum WireMessagePack {
    /// Reads one value.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(WireError) -> WireValue {
        try decode(bytes.span, limits: limits)
    }

    /// Reads one value from borrowed memory, and keeps no reference to it.
    ///
    /// - Throws: `WireError` with the offset of the part that is not acceptable.
    public static func decode(_ bytes: Span<UInt8>, limits: WireLimits = .default) throws(WireError) -> WireValue {
        var parser = try MessagePackParser(bytes: bytes, limits: limits)
        return try parser.parse(bytes)
    }

    /// Writes one value: each part in its shortest form, floats with 64 bits.
    ///
    /// - Throws: `WireError`: `invalidNumber` for an integer past 64 bits, `tooDeep` past 128 levels, `tooLarge` for
    ///   text, bytes or a container of 2^32 and more.
    public static func encode(_ value: WireValue) throws(WireError) -> [UInt8] {
        try encode(value, maximumDepth: WireLimits.default.maximumDepth)
    }

    /// Writes one value that may be nested deeper, or less deep, than by default.
    package static func encode(_ value: WireValue, maximumDepth: Int) throws(WireError) -> [UInt8] {
        var writer = MessagePackWriter(maximumDepth: maximumDepth)
        try writer.write(value)
        return writer.output
    }
}

/// Writes MessagePack into a byte array. A depth check bounds its recursion.
private struct MessagePackWriter {
    private(set) var output: [UInt8] = []
    private let maximumDepth: Int

    init(maximumDepth: Int) {
        self.maximumDepth = maximumDepth
        output.reserveCapacity(128)
    }

    mutating func write(_ value: WireValue) throws(WireError) {
        try write(value, depth: 0)
    }

    private mutating func write(_ value: WireValue, depth: Int) throws(WireError) {
        switch value {
        case .null: output.append(0xc0)
        case .bool(let flag): output.append(flag ? 0xc3 : 0xc2)
        case .int(let value): write(integer: value)
        case .number(let text): try write(number: text)
        case .double(let value):
            output.append(0xcb)
            append(value.bitPattern, width: 8)
        case .string(let text): try write(string: text)
        case .bytes(let bytes):
            try writeHead(bytes.count, short: nil, 0xc4, 0xc5, 0xc6)
            output.append(contentsOf: bytes)
        case .array(let array):
            guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
            try writeHead(array.count, short: (0x90, 0x0f), nil, 0xdc, 0xdd)
            for element in array {
                try write(element, depth: depth + 1)
            }
        case .object(let object):
            guard depth < maximumDepth else { throw .tooDeep(maximumDepth) }
            try writeHead(object.count, short: (0x80, 0x0f), nil, 0xde, 0xdf)
            for (key, element) in object {
                try write(string: key)
                try write(element, depth: depth + 1)
            }
        }
    }

    private mutating func write(string: String) throws(WireError) {
        try writeHead(string.utf8.count, short: (0xa0, 0x1f), 0xd9, 0xda, 0xdb)
        output.append(contentsOf: string.utf8)
    }

    private mutating func write(integer value: Int64) {
        switch value {
        case -32..<0: output.append(UInt8(bitPattern: Int8(truncatingIfNeeded: value)))
        case 0...0x7f: output.append(UInt8(truncatingIfNeeded: value))
        case 0...: write(unsigned: UInt64(value))
        case (-0x80)...: append(tag: 0xd0, value, width: 1)
        case (-0x8000)...: append(tag: 0xd1, value, width: 2)
        case (-0x8000_0000)...: append(tag: 0xd2, value, width: 4)
        default: append(tag: 0xd3, value, width: 8)
        }
    }

    private mutating func write(unsigned value: UInt64) {
        let signed = Int64(bitPattern: value)
        switch value {
        case ...0xff: append(tag: 0xcc, signed, width: 1)
        case ...0xffff: append(tag: 0xcd, signed, width: 2)
        case ...0xffff_ffff: append(tag: 0xce, signed, width: 4)
        default: append(tag: 0xcf, signed, width: 8)
        }
    }

    private mutating func write(number text: String) throws(WireError) {
        if let value = Int64(text) {
            write(integer: value)
        } else if let value = UInt64(text) {
            write(unsigned: value)
        } else {
            throw WireError(
                .invalidNumber, "MessagePack has integers of 64 bits; send a larger one as text, or use JSON")
        }
    }

    /// Writes the tag and the count of text, bytes or a container in the shortest possible form. `short` is a tag that
    /// itself has room for a count, up to a mask.
    private mutating func writeHead(
        _ count: Int, short: (tag: UInt8, mask: Int)?, _ tag8: UInt8?, _ tag16: UInt8, _ tag32: UInt8
    ) throws(WireError) {
        let value = Int64(count)
        if let short, count <= short.mask {
            output.append(short.tag | UInt8(truncatingIfNeeded: count))
        } else if let tag8, count <= 0xff {
            append(tag: tag8, value, width: 1)
        } else if count <= 0xffff {
            append(tag: tag16, value, width: 2)
        } else if count <= 0xffff_ffff {
            append(tag: tag32, value, width: 4)
        } else {
            throw WireError(.tooLarge, "text, bytes or a container is too large for MessagePack")
        }
    }

    private mutating func append(tag: UInt8, _ value: Int64, width: Int) {
        output.append(tag)
        append(UInt64(bitPattern: value), width: width)
    }

    private mutating func append(_ value: UInt64, width: Int) {
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
