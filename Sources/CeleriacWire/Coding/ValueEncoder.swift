/// The encoder that a type's `encode(to:)` sees.
struct ValueEncoder: Encoder {
    let node: EncodingNode
    let context: EncodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.becomeObject()
        return KeyedEncodingContainer(KeyedValueEncoder(node: node, context: context, path: path))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.becomeArray()
        return UnkeyedValueEncoder(node: node, context: context, path: path)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        self
    }
}

extension ValueEncoder: SingleValueEncodingContainer {
    func encodeNil() {
        node.set(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        node.set(try context.encode(value, at: path.appendingNothing()))
    }
}
