#if AMQP

/// Validates a field table without recursion before librabbitmq decodes it.
///
/// librabbitmq's own decoder recurses once for each nested table or array, without a limit in the versions that
/// distributions ship: a few thousand nested tables in one message overflow a thread's stack.
enum TableInspector {
    /// The deepest accepted nesting of tables and arrays, counting the outermost table.
    static let depthLimit = 32

    /// Checks the table whose four-byte length is at `start`: every length stays within its container, every type is
    /// known, and nesting stays within `depthLimit`.
    ///
    /// - Returns: The offset of the byte after the table.
    static func endOfTable(in bytes: UnsafeRawBufferPointer, at start: Int) throws(AMQPError) -> Int {
        var ends = InlineArray<32, Int>(repeating: 0)
        var tables: UInt32 = 1  // bit n: the n-th open container is a table, not an array
        var depth = 0
        var offset = start
        ends[0] = try open(bytes, &offset, limit: bytes.count)
        while true {
            let end = ends[depth]
            if offset == end {
                if depth == 0 { return offset }
                depth -= 1
                continue
            }
            if tables & (1 << UInt32(depth)) != 0 {
                offset += 1 + Int(bytes[offset])
            }
            guard offset < end else { throw malformed("a name reaches past the end of its table") }
            let type = bytes[offset]
            offset += 1
            switch type {
            case UInt8(ascii: "V"): break
            case UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "B"): offset += 1
            case UInt8(ascii: "s"), UInt8(ascii: "u"): offset += 2
            case UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "f"): offset += 4
            case UInt8(ascii: "D"): offset += 5
            case UInt8(ascii: "L"), UInt8(ascii: "l"), UInt8(ascii: "d"), UInt8(ascii: "T"): offset += 8
            case UInt8(ascii: "S"), UInt8(ascii: "x"):
                let valueEnd = try open(bytes, &offset, limit: end)
                offset = valueEnd
            case UInt8(ascii: "F"), UInt8(ascii: "A"):
                guard depth + 1 < depthLimit else { throw malformed("tables nested deeper than \(depthLimit)") }
                let innerEnd = try open(bytes, &offset, limit: end)
                depth += 1
                ends[depth] = innerEnd
                tables = type == UInt8(ascii: "F") ? tables | (1 << UInt32(depth)) : tables & ~(1 << UInt32(depth))
            default:
                throw malformed("a field of unknown type \(type)")
            }
            guard offset <= end else { throw malformed("a value reaches past the end of its table") }
        }
    }

    /// Reads a four-byte length, moves `offset` past it, and returns the end of the bytes that it covers.
    private static func open(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, limit: Int
    ) throws(AMQPError) -> Int {
        guard limit - offset >= 4 else { throw malformed("a length is cut off") }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        offset += 4
        guard length <= limit - offset else { throw malformed("a length reaches past the end") }
        return offset + length
    }

    private static func malformed(_ what: String) -> AMQPError {
        .violation("a field table cannot be read: \(what)")
    }
}

#endif
