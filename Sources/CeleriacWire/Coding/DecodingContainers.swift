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
        guard !object.hasKeysThatSwiftHoldsEqual else {
            let error = WireError(
                .ambiguousKey, "two keys differ only in how Unicode composes them; take the argument as a WireValue")
            throw DecodingError.dataCorrupted(.init(path, error))
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

/// Reads an object's keys.
struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: WireObject
    let context: DecodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var allKeys: [Key] { object.compactMap { Key(stringValue: $0.key) } }

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

/// Reads an array's elements.
struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
    private let array: [WireValue]
    private let context: DecodingContext
    private let path: CodingPath
    private(set) var currentIndex = 0

    init(array: [WireValue], context: DecodingContext, path: CodingPath) {
        self.array = array
        self.context = context
        self.path = path
    }

    var codingPath: [any CodingKey] { path.keys }
    var count: Int? { array.count }
    var isAtEnd: Bool { currentIndex >= array.count }

    mutating func decodeNil() throws -> Bool {
        guard try current().isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try context.decode(type, from: try current(), at: path.appending(IndexKey(currentIndex)))
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try currentDecoder().container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try currentDecoder().unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try currentDecoder()
        currentIndex += 1
        return decoder
    }

    private func current() throws -> WireValue {
        guard !isAtEnd else {
            let keys = path.appending(IndexKey(currentIndex)).keys
            let context = DecodingError.Context(
                codingPath: keys, debugDescription: "the array has only \(array.count) elements")
            throw DecodingError.valueNotFound(WireValue.self, context)
        }
        return array[currentIndex]
    }

    private func currentDecoder() throws -> ValueDecoder {
        ValueDecoder(value: try current(), context: context, path: path.appending(IndexKey(currentIndex)))
    }
}
