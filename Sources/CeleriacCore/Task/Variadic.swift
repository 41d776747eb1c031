import CeleriacWire

/// Takes the remaining positional arguments: Python's `*args`. It must be a task's last argument, or the last one
/// before ``VariadicKeywords``.
public struct Variadic<Element: Codable & Sendable>: Codable, Sendable, ExpressibleByArrayLiteral {
    /// The arguments.
    public var elements: [Element]

    /// Wraps arguments.
    public init(_ elements: [Element]) { self.elements = elements }

    /// Wraps arguments.
    public init(arrayLiteral elements: Element...) { self.elements = elements }

    /// Decodes a list.
    public init(from decoder: any Decoder) throws { elements = try [Element](from: decoder) }

    /// Encodes a list.
    public func encode(to encoder: any Encoder) throws { try elements.encode(to: encoder) }
}

/// Takes the remaining keyword arguments: Python's `**kwargs`. It must be a task's last argument.
public struct VariadicKeywords<Element: Codable & Sendable>: Codable, Sendable, ExpressibleByDictionaryLiteral {
    /// The arguments by name.
    public var elements: [String: Element]

    /// Wraps arguments.
    public init(_ elements: [String: Element]) { self.elements = elements }

    /// Wraps arguments. Of two with the same name the last one counts.
    public init(dictionaryLiteral elements: (String, Element)...) {
        self.elements = Dictionary(elements, uniquingKeysWith: { $1 })
    }

    /// Decodes an object.
    public init(from decoder: any Decoder) throws { elements = try [String: Element](from: decoder) }

    /// Encodes an object.
    public func encode(to encoder: any Encoder) throws { try elements.encode(to: encoder) }
}

/// A value that stands for several arguments.
protocol SeveralArguments {
    /// The arguments one by one.
    var each: [any Encodable] { get }

    /// Makes the value from arguments on the wire.
    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws
}

extension Variadic: SeveralArguments {
    var each: [any Encodable] { elements }

    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws {
        elements = try arguments.map { try coding.decodeArgument(Element.self, from: $0) }
    }
}
