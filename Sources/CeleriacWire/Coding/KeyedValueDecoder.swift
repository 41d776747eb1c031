/// Reads an object's keys.
struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: WireObject
    let context: DecodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var allKeys: [Key] { object.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool {
        object[key.stringValue] != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        try value(forKey: key).isNull
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try context.decode(type, from: try value(forKey: key), at: path.appending(key))
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let value = object[key.stringValue], !value.isNull else { return nil }
        return try context.decode(type, from: value, at: path.appending(key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try decoder(for: try value(forKey: key), key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(for: try value(forKey: key), key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        decoder(for: object[SuperKey().stringValue] ?? .null, SuperKey())
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        decoder(for: object[key.stringValue] ?? .null, key)
    }

    private func value(forKey key: Key) throws -> WireValue {
        guard let value = object[key.stringValue] else {
            let context = DecodingError.Context(codingPath: path.keys, debugDescription: "the key is missing")
            throw DecodingError.keyNotFound(key, context)
        }
        return value
    }

    private func decoder(for value: WireValue, _ key: some CodingKey) -> ValueDecoder {
        ValueDecoder(value: value, context: context, path: path.appending(key))
    }
}
