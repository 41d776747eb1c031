/// Writes an object's keys.
struct KeyedValueEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode
    let context: EncodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }

    func encodeNil(forKey key: Key) {
        node.set(.null, forKey: key.stringValue)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        node.set(try context.encode(value, at: path.appending(key)), forKey: key.stringValue)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        encoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder(forKey: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        encoder(forKey: SuperKey())
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        encoder(forKey: key)
    }

    private func encoder(forKey key: some CodingKey) -> ValueEncoder {
        let child = EncodingNode()
        node.set(child, forKey: key.stringValue)
        return ValueEncoder(node: child, context: context, path: path.appending(key))
    }
}
