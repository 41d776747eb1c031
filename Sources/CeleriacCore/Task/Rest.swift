import CeleriacWire

/// Takes all positional arguments that are left: Python's `*args`. Only as a task's last argument, or before
/// ``KeywordRest``.
public struct Rest<Element: Codable & Sendable>: Codable, Sendable, ExpressibleByArrayLiteral {
    /// The arguments.
    public var elements: [Element]

    /// Makes it of elements.
    public init(_ elements: [Element]) { self.elements = elements }

    /// Makes it of elements.
    public init(arrayLiteral elements: Element...) { self.elements = elements }

    /// Decodes a list.
    public init(from decoder: any Decoder) throws { elements = try [Element](from: decoder) }

    /// Encodes a list.
    public func encode(to encoder: any Encoder) throws { try elements.encode(to: encoder) }
}

extension Rest: SeveralArguments {
    var each: [any Encodable] { elements }

    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws {
        elements = try arguments.map { try coding.decodeArgument(Element.self, from: $0) }
    }
}
