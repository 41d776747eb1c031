/// What one `encode(to:)` call puts together. Containers that outlive a call (nested ones, superclasses) are nodes of
/// their own and are filled in at the end.
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
        /// Two kinds were asked for, which `Encoder` has no way to refuse at once.
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

    /// The finished value; `source` is what was encoded, for the error.
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
