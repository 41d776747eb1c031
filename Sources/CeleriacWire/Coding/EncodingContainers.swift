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

/// What one call of `encode(to:)` builds. Containers that outlive the call (nested containers, superclasses) are
/// separate nodes, whose values are inserted at the end.
final class EncodingNode {
    private var kind = Kind.empty
    private var scalar = WireValue.null
    private(set) var array: [WireValue] = []
    private(set) var object = WireObject()
    private var pending: [(place: Place, node: EncodingNode)] = []

    private enum Kind {
        case empty
        case scalar
        case array
        case object
        /// The type asked for two kinds of container, which `Encoder` cannot refuse immediately.
        case contradiction
    }

    private enum Place {
        case element(Int)
        case key(String)
    }

    func becomeArray() { become(.array) }

    func becomeObject() { become(.object) }

    func set(_ value: WireValue) {
        become(.scalar)
        scalar = value
    }

    func append(_ value: WireValue) {
        array.append(value)
    }

    func set(_ value: WireValue, forKey key: String) {
        object[key] = value
    }

    /// Reserves the next element for a node that is still being filled.
    func append(_ node: EncodingNode) {
        pending.append((.element(array.count), node))
        array.append(.null)
    }

    /// Reserves a key for a node that is still being filled.
    func set(_ node: EncodingNode, forKey key: String) {
        pending.append((.key(key), node))
        object[key] = .null
    }

    /// The finished value. `source` is the encoded value, for the error.
    func value(of source: Any, at path: CodingPath) throws -> WireValue {
        for (place, node) in pending {
            switch place {
            case .element(let index): array[index] = try node.value(of: source, at: path.appending(IndexKey(index)))
            case .key(let key): object[key] = try node.value(of: source, at: path)
            }
        }
        pending = []
        switch kind {
        case .scalar: return scalar
        case .array: return .array(array)
        case .object: return .object(object)
        case .empty: throw failure("the type encodes nothing", source, path)
        case .contradiction: throw failure("the type encodes itself as two kinds of container", source, path)
        }
    }

    private func become(_ other: Kind) {
        kind = kind == .empty || kind == other ? other : .contradiction
    }

    private func failure(_ text: String, _ source: Any, _ path: CodingPath) -> EncodingError {
        .invalidValue(source, .init(path, WireError(.unsupported, text)))
    }
}
