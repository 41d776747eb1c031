import OrderedCollections

/// An object on the wire: string keys, each with a value, in the order in which they were written.
///
/// Two objects are equal when they have the same keys with the same values in the same order.
public struct WireObject: Sendable, Hashable {
    private var storage: OrderedDictionary<String, WireValue>

    /// An empty object.
    public init() { storage = [:] }

    /// An empty object with room for `capacity` keys.
    public init(minimumCapacity capacity: Int) {
        storage = OrderedDictionary(minimumCapacity: capacity)
    }

    /// An object of pairs; of two with one key the last value is kept, at the place of the first.
    public init(_ pairs: some Sequence<(String, WireValue)>) {
        storage = OrderedDictionary(pairs, uniquingKeysWith: { $1 })
    }

    /// An object of keys and values in their order. The keys must differ, and there must be as many values.
    init(uncheckedUniqueKeys keys: [String], values: [WireValue]) {
        storage = OrderedDictionary(uncheckedUniqueKeys: keys, values: values)
    }

    /// An object of pairs whose keys differ; of two with one key the last value is kept.
    public init(uniqueKeysWithValues pairs: some Sequence<(String, WireValue)>) { self.init(pairs) }

    /// The place of a key, or nil if there is none.
    public func index(forKey key: String) -> Int? { storage.index(forKey: key) }

    /// The value of a key, or nil if there is none. Setting nil removes the key; a new key comes last.
    public subscript(key: String) -> WireValue? {
        get { storage[key] }
        set { storage[key] = newValue }
    }

    /// The keys, in order.
    public var keys: [String] { storage.keys.elements }

    /// The values, in the order of their keys.
    public var values: [WireValue] { storage.values.elements }

    /// Replaces the value at a place; the place must exist.
    public mutating func setValue(_ value: WireValue, at position: Int) {
        storage.values[position] = value
    }

    /// Sets the value of a key.
    ///
    /// - Returns: the value that it had before.
    @discardableResult
    public mutating func updateValue(_ value: WireValue, forKey key: String) -> WireValue? {
        storage.updateValue(value, forKey: key)
    }

    /// Removes a key.
    ///
    /// - Returns: the value that it had.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> WireValue? {
        storage.removeValue(forKey: key)
    }

    /// Adds the keys of another object; where both have one, `combine` chooses between this one's value and the other's.
    public mutating func merge(
        _ other: WireObject, uniquingKeysWith combine: (WireValue, WireValue) throws -> WireValue
    ) rethrows {
        try storage.merge(other.storage.elements.lazy.map { ($0.key, $0.value) }, uniquingKeysWith: combine)
    }

    /// The object with those of its keys for which `isIncluded` holds.
    public func filter(_ isIncluded: (Element) throws -> Bool) rethrows -> WireObject {
        var copy = WireObject()
        copy.storage = try storage.filter { try isIncluded((key: $0.key, value: $0.value)) }
        return copy
    }
}

extension WireObject: RandomAccessCollection {
    /// A key with its value.
    public typealias Element = (key: String, value: WireValue)

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of keys.
    public var endIndex: Int { storage.count }

    /// The pair at a place; the place must exist.
    public subscript(position: Int) -> Element {
        let element = storage.elements[position]
        return (element.key, element.value)
    }
}

extension WireObject: ExpressibleByDictionaryLiteral {
    /// An object of pairs; of two with one key the last value is kept.
    public init(dictionaryLiteral elements: (String, WireValue)...) { self.init(elements) }
}

extension WireObject: Codable {
    /// Decodes an object as ``WireValue`` does.
    public init(from decoder: any Decoder) throws {
        guard case .object(let object) = try WireValue(from: decoder) else {
            throw DecodingError.typeMismatch(
                WireObject.self, .init(codingPath: decoder.codingPath, debugDescription: "not an object"))
        }
        self = object
    }

    /// Encodes the object as ``WireValue`` does.
    public func encode(to encoder: any Encoder) throws { try WireValue.object(self).encode(to: encoder) }
}
