/// Writes an array's elements.
struct UnkeyedValueEncoder: UnkeyedEncodingContainer {
    let node: EncodingNode
    let context: EncodingContext
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var count: Int { node.array.count }

    func encodeNil() {
        node.append(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        node.append(try context.encode(value, at: path.appending(IndexKey(count))))
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        nextEncoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        nextEncoder().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        nextEncoder()
    }

    private func nextEncoder() -> ValueEncoder {
        let path = path.appending(IndexKey(count))
        let child = EncodingNode()
        node.append(child)
        return ValueEncoder(node: child, context: context, path: path)
    }
}
