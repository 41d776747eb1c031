/// Takes all keyword arguments that are left: Python's `**kwargs`. Only as a task's last argument.
public struct KeywordRest<Element: Codable & Sendable>: Codable, Sendable, ExpressibleByDictionaryLiteral {
    /// The arguments by name.
    public var elements: [String: Element]

    /// Makes it of elements.
    public init(_ elements: [String: Element]) { self.elements = elements }

    /// Makes it of elements; of two with one name the last is kept.
    public init(dictionaryLiteral elements: (String, Element)...) {
        self.elements = Dictionary(elements, uniquingKeysWith: { $1 })
    }

    /// Decodes an object.
    public init(from decoder: any Decoder) throws { elements = try [String: Element](from: decoder) }

    /// Encodes an object.
    public func encode(to encoder: any Encoder) throws { try elements.encode(to: encoder) }
}
