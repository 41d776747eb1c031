/// ``WireDecoder`` and ``WireEncoder`` pass a `WireValue` unchanged, so it can stand for any type. Other coders carry
/// what they can: Foundation's JSON loses the order of keys and the difference between `1` and `1.0`, bytes become an
/// array of numbers, and an integer past 64 bits is refused unless the coder supports 128-bit integers and it fits one.
extension WireValue: Codable {
    /// Reads any value.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? ValueDecoder {
            self = decoder.value
        } else if let container = try? decoder.container(keyedBy: AnyKey.self) {
            var object = WireObject(minimumCapacity: container.allKeys.count)
            for key in container.allKeys {
                object[key.stringValue] = try container.decode(WireValue.self, forKey: key)
            }
            self = .object(object)
        } else if var container = try? decoder.unkeyedContainer() {
            var array: [WireValue] = []
            while !container.isAtEnd {
                array.append(try container.decode(WireValue.self))
            }
            self = .array(array)
        } else {
            self = try Self.scalar(from: decoder.singleValueContainer())
        }
    }

    private static func scalar(from container: any SingleValueDecodingContainer) throws -> WireValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int64.self) { return .int(value) }
        if let value = try? container.decode(UInt64.self) { return .number(String(value)) }
        if let value = try? container.decode(Double.self) { return .double(value) }
        return .string(try container.decode(String.self))
    }

    /// Writes any value.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .array(let array):
            var container = encoder.unkeyedContainer()
            for element in array {
                try container.encode(element)
            }
        case .object(let object):
            var container = encoder.container(keyedBy: AnyKey.self)
            for (key, element) in object {
                try container.encode(element, forKey: AnyKey(stringValue: key))
            }
        default:
            var container = encoder.singleValueContainer()
            try encodeScalar(to: &container)
        }
    }

    private func encodeScalar(to container: inout any SingleValueEncodingContainer) throws {
        switch self {
        case .null, .array, .object: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .bytes(let value): try container.encode(value)
        case .number(let text):
            if let value = UInt64(text) {
                try container.encode(value)
            } else if let value = Int128(text) {
                try container.encode(value)
            } else {
                let context = EncodingError.Context(
                    codingPath: container.codingPath, debugDescription: "the integer is too large for this encoder")
                throw EncodingError.invalidValue(self, context)
            }
        }
    }

    /// A key of any name.
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }
}
