import CeleriacWire

/// Converts an argument's JSON to its declared type as Machinery's `tasks.ReflectValue` does. The error texts are the
/// same, because the task's stored error contains them and clients see them.
enum GoConversion {
    /// The value of an argument: numbers truncated to the width of their type, bytes as `.bytes`.
    ///
    /// - Throws: ``CallError`` with Go's text.
    static func convert(_ value: WireValue, typeName: String) throws(CallError) -> WireValue {
        guard let type = GoType(name: typeName) else {
            throw CallError("\(typeName) is not one of supported types")
        }
        return type.isSlice ? try slice(value, of: type.scalar) : try scalar(value, type.scalar)
    }

    // MARK: Scalars

    private static func scalar(_ value: WireValue, _ type: GoType.Scalar) throws(CallError) -> WireValue {
        switch type {
        case .bool:
            guard case .bool = value else { throw mismatch(value, type) }
            return value
        case .string:
            guard case .string = value else { throw mismatch(value, type) }
            return value
        case .int, .int64: return .int(try signed(value, type))
        case .int8: return .int(Int64(Int8(truncatingIfNeeded: try signed(value, type))))
        case .int16: return .int(Int64(Int16(truncatingIfNeeded: try signed(value, type))))
        case .int32: return .int(Int64(Int32(truncatingIfNeeded: try signed(value, type))))
        case .uint, .uint64:
            let number = try unsigned(value, type)
            return Int64(exactly: number).map { .int($0) } ?? .number(String(number))
        case .uint8: return .int(Int64(UInt8(truncatingIfNeeded: try unsigned(value, type))))
        case .uint16: return .int(Int64(UInt16(truncatingIfNeeded: try unsigned(value, type))))
        case .uint32: return .int(Int64(UInt32(truncatingIfNeeded: try unsigned(value, type))))
        case .float64: return .double(try float(value, type))
        case .float32:
            let narrow = Float(try float(value, type))
            return .double(Double(narrow.description) ?? Double(narrow))
        }
    }

    private static func signed(_ value: WireValue, _ type: GoType.Scalar) throws(CallError) -> Int64 {
        switch value {
        case .int(let number): return number
        case .number(let text):
            if let number = Int64(text), isPlain(text) { return number }
            throw refusal("ParseInt", text, isRange: isPlain(text))
        default: throw mismatch(value, type)
        }
    }

    private static func unsigned(_ value: WireValue, _ type: GoType.Scalar) throws(CallError) -> UInt64 {
        switch value {
        case .int(let number):
            if let number = UInt64(exactly: number) { return number }
            throw refusal("ParseUint", String(number), isRange: false)
        case .number(let text):
            if let number = UInt64(text), isPlain(text), text.first != "-" { return number }
            throw refusal("ParseUint", text, isRange: isPlain(text) && text.first != "-")
        default: throw mismatch(value, type)
        }
    }

    private static func float(_ value: WireValue, _ type: GoType.Scalar) throws(CallError) -> Double {
        switch value {
        case .int(let number): return Double(number)
        case .double(let number): return number
        case .number(let text):
            if let number = Double(text), number.isFinite { return number }
            throw refusal("ParseFloat", text, isRange: true)
        default: throw mismatch(value, type)
        }
    }

    /// Whether a number consists of digits and signs only.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 &- UInt8(ascii: "0") <= 9 || $0 == UInt8(ascii: "-") }
    }

    private static func refusal(_ function: String, _ text: String, isRange: Bool) -> CallError {
        CallError("strconv.\(function): parsing \"\(text)\": " + (isRange ? "value out of range" : "invalid syntax"))
    }

    // MARK: Slices

    private static func slice(_ value: WireValue, of type: GoType.Scalar) throws(CallError) -> WireValue {
        switch value {
        case .null: return type == .uint8 ? .bytes([]) : .array([])
        case .array(let elements):
            var converted: [WireValue] = []
            converted.reserveCapacity(elements.count)
            for element in elements { converted.append(try scalar(element, type)) }
            guard type == .uint8 else { return .array(converted) }
            return .bytes(converted.map { UInt8(truncatingIfNeeded: $0.int64Value ?? 0) })
        case .string(let text):
            if type.isUnsigned { return try bytes(base64: text, type) }
            return try bytesOf(text, type)
        case .int(let number): return try bytesOf(String(number), type)
        case .number(let text): return try bytesOf(text, type)
        case .double(let number): return try bytesOf(String(number), type)
        case .bytes(let bytes): return type == .uint8 ? .bytes(bytes) : .array(bytes.map { .int(Int64($0)) })
        // Go panics on these two where Machinery does not recover, so the process dies.
        case .bool: throw CallError("reflect: call of reflect.Value.Len on bool Value")
        case .object(let object):
            if object.isEmpty { return type == .uint8 ? .bytes([]) : .array([]) }
            throw CallError("reflect: call of reflect.Value.Index on map Value")
        }
    }

    private static func bytes(base64 text: String, _ type: GoType.Scalar) throws(CallError) -> WireValue {
        let decoded: [UInt8]
        do {
            decoded = try Base64.decode(text)
        } catch {
            throw CallError("illegal base64 data at input byte \(firstIllegalByte(text))")
        }
        return type == .uint8 ? .bytes(decoded) : .array(decoded.map { .int(Int64($0)) })
    }

    private static func firstIllegalByte(_ text: String) -> Int {
        var position = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                position += 1
            default: return position
            }
        }
        // The text ends early. Go reports the start of the incomplete group.
        return position - position % 4
    }

    /// Go's reflection sees text, and the text of a number, as a list of bytes, none of which has the requested type.
    private static func bytesOf(_ text: String, _ type: GoType.Scalar) throws(CallError) -> WireValue {
        guard let first = text.utf8.first else { return type == .uint8 ? .bytes([]) : .array([]) }
        throw CallError("\(first) is not \(type.rawValue)")
    }

    // MARK: Error texts

    private static func mismatch(_ value: WireValue, _ type: GoType.Scalar) -> CallError {
        CallError("\(goText(value, depth: 0)) is not \(type.rawValue)")
    }

    /// A value as Go's `%v` prints it.
    private static func goText(_ value: WireValue, depth: Int) -> String {
        guard depth < 16 else { return "…" }
        switch value {
        case .null: return "<nil>"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return String(number)
        case .number(let text): return text
        case .double(let number): return String(number)
        case .string(let text): return text
        case .bytes(let bytes): return "[" + bytes.map { String($0) }.joined(separator: " ") + "]"
        case .array(let elements):
            return "[" + elements.map { goText($0, depth: depth + 1) }.joined(separator: " ") + "]"
        case .object(let object):
            let pairs = object.sorted { $0.key < $1.key }.map { "\($0.key):\(goText($0.value, depth: depth + 1))" }
            return "map[" + pairs.joined(separator: " ") + "]"
        }
    }
}

extension GoType.Scalar {
    /// Whether the type is an unsigned integer, whose slices may be base64 text.
    var isUnsigned: Bool {
        switch self {
        case .uint, .uint8, .uint16, .uint32, .uint64: true
        default: false
        }
    }
}
