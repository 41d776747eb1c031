import CeleriacWire

/// kombu's JSON form of values that JSON lacks: an object of exactly `__type__` and `__value__` (kombu 5.3 and later).
enum TypeEnvelope {
    /// The type and the value of an envelope; `nil` for anything else, also for an object with further keys.
    static func parts(of value: WireValue) -> (type: WireValue, value: WireValue)? {
        guard case .object(let object) = value, object.count == 2,
            let type = object["__type__"], let value = object["__value__"]
        else { return nil }
        return (type, value)
    }

    static func make(_ type: String, _ value: WireValue) -> WireValue {
        ["__type__": .string(type), "__value__": value]
    }

    /// Bytes as kombu writes them: as text when they are UTF-8, else as base64.
    static func bytes(_ bytes: [UInt8]) -> WireValue {
        if let text = String(validating: bytes, as: UTF8.self) { return make("bytes", .string(text)) }
        return base64(bytes)
    }

    static func base64(_ bytes: [UInt8]) -> WireValue {
        make("base64", .string(Base64.encode(bytes)))
    }
}

extension WireValue {
    /// The value with all bytes in it replaced.
    ///
    /// - Throws: `WireError.Code.tooDeep` past `depth` levels, since it recurses.
    func replacingBytes(
        with replacement: ([UInt8]) -> WireValue, depth: Int = 128
    ) throws(WireError) -> WireValue {
        switch self {
        case .bytes(let bytes):
            return replacement(bytes)
        case .array(let values):
            guard depth > 0 else { throw Self.tooDeep }
            return .array(
                try values.map { value throws(WireError) in
                    try value.replacingBytes(with: replacement, depth: depth - 1)
                })
        case .object(var object):
            guard depth > 0 else { throw Self.tooDeep }
            for index in object.indices {
                object.setValue(try object[index].value.replacingBytes(with: replacement, depth: depth - 1), at: index)
            }
            return .object(object)
        default:
            return self
        }
    }

    private static var tooDeep: WireError {
        WireError(.tooDeep, "nested deeper than 128 levels")
    }
}
