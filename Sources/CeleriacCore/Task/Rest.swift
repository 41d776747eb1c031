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

/// How an argument type takes its values.
enum ArgumentKind: Sendable {
    case single, optional, rest, keywordRest

    init(_ type: any Any.Type) {
        switch type {
        case is any RestArgument.Type: self = .rest
        case is any KeywordRestArgument.Type: self = .keywordRest
        case is any OptionalArgument.Type: self = .optional
        default: self = .single
        }
    }
}

/// A value that stands for several arguments.
protocol SeveralArguments {
    /// The arguments one by one.
    var each: [any Encodable] { get }

    /// Makes the value of arguments on the wire.
    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws
}

extension Rest: SeveralArguments {
    var each: [any Encodable] { elements }

    init(_ arguments: ArraySlice<WireValue>, coding: any CallCoding) throws {
        elements = try arguments.map { try coding.decodeArgument(Element.self, from: $0) }
    }
}

private protocol RestArgument {}
private protocol KeywordRestArgument {}
private protocol OptionalArgument {}
extension Rest: RestArgument {}
extension KeywordRest: KeywordRestArgument {}
extension Optional: OptionalArgument {}
