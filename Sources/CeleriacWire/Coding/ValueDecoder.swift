/// The decoder that a type's `init(from:)` sees.
struct ValueDecoder: Decoder {
    let value: WireValue
    let context: DecodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else {
            throw context.mismatch([String: Any].self, "an object", value, path)
        }
        return KeyedDecodingContainer(KeyedValueDecoder(object: object, context: context, path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let array) = value else {
            throw context.mismatch([Any].self, "an array", value, path)
        }
        return UnkeyedValueDecoder(array: array, context: context, path: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        self
    }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool {
        value.isNull
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try context.decode(type, from: value, at: path.appendingNothing())
    }
}
