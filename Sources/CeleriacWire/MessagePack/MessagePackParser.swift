/// Reads one MessagePack value without recursion.
struct MessagePackParser: ~Copyable {
    private var index = 0
    private let end: Int
    private var builder: WireValueBuilder
    /// The number of elements that are still missing from each open container.
    private var missing = MoveStack<Int>(capacity: 8)

    init(bytes: Span<UInt8>, limits: WireLimits) throws(WireError) {
        guard bytes.count <= limits.maximumMessageBytes else { throw .tooLarge(bytes.count, limits) }
        self.end = bytes.count
        self.builder = WireValueBuilder(limits: limits)
    }

    mutating func parse(_ bytes: Span<UInt8>) throws(WireError) -> WireValue {
        while true {
            if builder.container == .object {
                try readKey(bytes)
            }
            guard var value = try startValue(bytes) else { continue }
            while true {
                guard let left = missing.pop() else {
                    guard index == end else { throw fail(.trailingBytes, "bytes follow the MessagePack value") }
                    return value
                }
                builder.add(value)
                if left > 1 {
                    missing.push(left &- 1)
                    break
                }
                value = builder.close()
            }
        }
    }

    private mutating func readKey(_ bytes: Span<UInt8>) throws(WireError) {
        let start = index
        try builder.countToken(at: start)
        let length: Int
        switch try readByte(bytes) {
        case let tag where tag >= 0xa0 && tag <= 0xbf: length = Int(tag & 0x1f)
        case 0xd9: length = try readLength(bytes, width: 1)
        case 0xda: length = try readLength(bytes, width: 2)
        case 0xdb: length = try readLength(bytes, width: 4)
        default:
            throw WireError(.nonStringKey, "a key of a MessagePack map is not text", offset: start)
        }
        let from = try take(length)
        let part = bytes.extracting(from..<index)
        builder.add(ObjectKey(try Text.string(part, offset: from), utf8: part))
    }

    /// Reads a scalar or an empty container. Returns `nil` for the head of any other container, which is now open.
    private mutating func startValue(_ bytes: Span<UInt8>) throws(WireError) -> WireValue? {
        try builder.countToken(at: index)
        let tag = try readByte(bytes)
        switch tag {
        case 0x00...0x7f: return .int(Int64(tag))
        case 0x80...0x8f: return try open(.object, count: Int(tag & 0x0f))
        case 0x90...0x9f: return try open(.array, count: Int(tag & 0x0f))
        case 0xa0...0xbf: return try readString(bytes, length: Int(tag & 0x1f))
        case 0xe0...0xff: return .int(Int64(Int8(bitPattern: tag)))
        case 0xc0: return .null
        case 0xc2: return .bool(false)
        case 0xc3: return .bool(true)
        case 0xc4: return try readBytes(bytes, length: try readLength(bytes, width: 1))
        case 0xc5: return try readBytes(bytes, length: try readLength(bytes, width: 2))
        case 0xc6: return try readBytes(bytes, length: try readLength(bytes, width: 4))
        case 0xca:
            return .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: try readUnsigned(bytes, width: 4)))))
        case 0xcb: return .double(Double(bitPattern: try readUnsigned(bytes, width: 8)))
        case 0xcc: return .int(Int64(truncatingIfNeeded: try readUnsigned(bytes, width: 1)))
        case 0xcd: return .int(Int64(truncatingIfNeeded: try readUnsigned(bytes, width: 2)))
        case 0xce: return .int(Int64(truncatingIfNeeded: try readUnsigned(bytes, width: 4)))
        case 0xcf:
            let value = try readUnsigned(bytes, width: 8)
            return Int64(exactly: value).map { .int($0) } ?? .number(String(value))
        case 0xd0: return .int(Int64(Int8(truncatingIfNeeded: try readUnsigned(bytes, width: 1))))
        case 0xd1: return .int(Int64(Int16(truncatingIfNeeded: try readUnsigned(bytes, width: 2))))
        case 0xd2: return .int(Int64(Int32(truncatingIfNeeded: try readUnsigned(bytes, width: 4))))
        case 0xd3: return .int(Int64(bitPattern: try readUnsigned(bytes, width: 8)))
        case 0xd9: return try readString(bytes, length: try readLength(bytes, width: 1))
        case 0xda: return try readString(bytes, length: try readLength(bytes, width: 2))
        case 0xdb: return try readString(bytes, length: try readLength(bytes, width: 4))
        case 0xdc: return try open(.array, count: try readLength(bytes, width: 2))
        case 0xdd: return try open(.array, count: try readLength(bytes, width: 4))
        case 0xde: return try open(.object, count: try readLength(bytes, width: 2))
        case 0xdf: return try open(.object, count: try readLength(bytes, width: 4))
        case 0xc1:
            index &-= 1
            throw fail(.malformed, "a byte that MessagePack never uses")
        default:
            index &-= 1
            throw fail(.unsupported, "a MessagePack extension type or timestamp; send text or numbers instead")
        }
    }

    private mutating func open(_ container: WireValueBuilder.Container, count: Int) throws(WireError) -> WireValue? {
        try builder.checkDepth(at: index)
        guard count > 0 else { return container == .array ? .array([]) : .object(WireObject()) }
        // Each element takes at least one byte, so a count beyond the remaining bytes is refused before any is read.
        guard count <= (end &- index) / (container == .array ? 1 : 2) else { throw truncated() }
        builder.open(container)
        missing.push(count)
        return nil
    }

    private mutating func readString(_ bytes: Span<UInt8>, length: Int) throws(WireError) -> WireValue {
        let from = try take(length)
        return .string(try Text.string(bytes.extracting(from..<index), offset: from))
    }

    private mutating func readBytes(_ bytes: Span<UInt8>, length: Int) throws(WireError) -> WireValue {
        let from = try take(length)
        return .bytes(bytes.extracting(from..<index).withUnsafeBufferPointer { Array($0) })
    }

    /// Skips `length` bytes and returns where they start.
    private mutating func take(_ length: Int) throws(WireError) -> Int {
        guard length <= end &- index else { throw truncated() }
        defer { index &+= length }
        return index
    }

    private mutating func readByte(_ bytes: Span<UInt8>) throws(WireError) -> UInt8 {
        guard index < end else { throw truncated() }
        defer { index &+= 1 }
        return bytes[index]
    }

    private mutating func readLength(_ bytes: Span<UInt8>, width: Int) throws(WireError) -> Int {
        Int(truncatingIfNeeded: try readUnsigned(bytes, width: width))
    }

    private mutating func readUnsigned(_ bytes: Span<UInt8>, width: Int) throws(WireError) -> UInt64 {
        let from = try take(width)
        var value: UInt64 = 0
        for position in from..<index {
            value = value << 8 | UInt64(bytes[position])
        }
        return value
    }

    private func fail(_ code: WireError.Code, _ message: String) -> WireError {
        WireError(code, message, offset: index)
    }

    private func truncated() -> WireError {
        WireError(.truncated, "MessagePack bytes end within a value", offset: end)
    }
}
