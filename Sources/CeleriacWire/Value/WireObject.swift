import OrderedCollections

/// An object on the wire: string keys with values, in the order in which they were written.
///
/// Two objects are equal if they have the same keys with the same values in the same order. Keys are compared as peers
/// compare them, by code points: `é` in one code point and `é` in two are different keys, though Swift holds the texts
/// equal.
public struct WireObject: Sendable, Hashable {
    private var storage: OrderedDictionary<WireKey, WireValue>

    /// Creates an empty object.
    public init() { storage = [:] }

    /// Creates an empty object with room for `capacity` keys.
    public init(minimumCapacity capacity: Int) {
        storage = OrderedDictionary(minimumCapacity: capacity)
    }

    /// Creates an object from pairs. Of several values for one key the last one is kept, in the position of the first.
    public init(_ pairs: some Sequence<(String, WireValue)>) {
        storage = OrderedDictionary(pairs.lazy.map { (WireKey($0), $1) }, uniquingKeysWith: { $1 })
    }

    /// Creates an object from keys and values in order. The keys must differ, and there must be as many values as keys.
    init(uncheckedUniqueKeys keys: [WireKey], values: [WireValue]) {
        storage = OrderedDictionary(uncheckedUniqueKeys: keys, values: values)
    }

    /// The position of a key; `nil` if there is no such key.
    public func index(forKey key: String) -> Int? { storage.index(forKey: WireKey(key)) }

    /// The value of a key; `nil` if there is no such key. Setting `nil` removes the key. A new key comes last.
    public subscript(key: String) -> WireValue? {
        get { storage[WireKey(key)] }
        set { storage[WireKey(key)] = newValue }
    }

    /// The keys in order.
    public var keys: [String] { storage.keys.map(\.text) }

    /// Whether a key begins with a text. Nothing is hashed or copied.
    package func hasKey(beginningWith prefix: StaticString) -> Bool {
        prefix.withUTF8Buffer { prefix in storage.keys.contains { $0.text.utf8.starts(with: prefix) } }
    }

    /// The values in the order of their keys.
    public var values: [WireValue] { storage.values.elements }

    /// Replaces the value at a position, which must exist. Encoders fill in templates this way, without hashing.
    package mutating func setValue(_ value: WireValue, at position: Int) {
        storage.values[position] = value
    }

    /// Sets the value of a key.
    ///
    /// - Returns: The previous value.
    @discardableResult
    public mutating func updateValue(_ value: WireValue, forKey key: String) -> WireValue? {
        storage.updateValue(value, forKey: WireKey(key))
    }

    /// Removes a key.
    ///
    /// - Returns: The removed value.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> WireValue? {
        storage.removeValue(forKey: WireKey(key))
    }

    /// Adds the keys of another object. For a key of both, `combine` chooses between this object's value and the
    /// other's.
    public mutating func merge(
        _ other: WireObject, uniquingKeysWith combine: (WireValue, WireValue) throws -> WireValue
    ) rethrows {
        try storage.merge(other.storage.elements.lazy.map { ($0.key, $0.value) }, uniquingKeysWith: combine)
    }

    /// Returns the object with only those keys and values for which `isIncluded` returns `true`.
    public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> WireObject {
        var copy = WireObject()
        copy.storage = try storage.filter { try isIncluded((key: $0.key.text, value: $0.value)) }
        return copy
    }
}

extension WireObject {
    /// Whether Swift holds two of the keys equal, so that a Swift dictionary would drop one of them.
    var hasKeysThatSwiftHoldsEqual: Bool {
        guard storage.count > 1, !storage.keys.allSatisfy(\.isASCII) else { return false }
        return Set(storage.keys.lazy.map(\.text)).count < storage.count
    }
}

/// A key of an object. Two are equal if they have the same code points.
struct WireKey: Sendable, Hashable, CustomDebugStringConvertible {
    let text: String

    var debugDescription: String { text.debugDescription }

    init(_ text: String) { self.text = text }

    /// Whether the key is known to be ASCII: a text that Swift holds equal to it is then the same, or longer.
    var isASCII: Bool { text.utf8Span.isKnownASCII }

    static func == (left: WireKey, right: WireKey) -> Bool {
        // Swift's own comparison is fast and tells most keys apart.
        left.text == right.text && left.text.utf8.count == right.text.utf8.count
            && (left.isASCII || left.text.utf8.elementsEqual(right.text.utf8))
    }

    // Keys with the same code points are equal to Swift, so its hash fits.
    func hash(into hasher: inout Hasher) { text.hash(into: &hasher) }
}

extension WireObject: RandomAccessCollection {
    /// A key with its value.
    public typealias Element = (key: String, value: WireValue)

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of keys.
    public var endIndex: Int { storage.count }

    /// The key and the value at a position, which must exist.
    public subscript(position: Int) -> Element {
        let element = storage.elements[position]
        return (element.key.text, element.value)
    }
}

extension WireObject: ExpressibleByDictionaryLiteral {
    /// Creates an object from a literal. Of several values for one key the last one is kept.
    public init(dictionaryLiteral elements: (String, WireValue)...) { self.init(elements) }
}

extension WireObject: Codable {
    /// Decodes an object like ``WireValue``.
    public init(from decoder: any Decoder) throws {
        guard case .object(let object) = try WireValue(from: decoder) else {
            throw DecodingError.typeMismatch(
                WireObject.self, .init(codingPath: decoder.codingPath, debugDescription: "not an object"))
        }
        self = object
    }

    /// Encodes the object like ``WireValue``.
    public func encode(to encoder: any Encoder) throws { try WireValue.object(self).encode(to: encoder) }
}
