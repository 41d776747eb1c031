/// Go's `int`, for parameters of exactly that type. Swift's `Int` corresponds to Go's `int64`.
public struct GoInt: Codable, Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number.
    public var value: Int

    /// Creates it from a number.
    public init(_ value: Int) { self.value = value }

    /// Creates it from a literal.
    public init(integerLiteral value: Int) { self.value = value }

    /// Reads a number.
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Int.self) }

    /// Writes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    /// The digits of the number.
    public var description: String { String(value) }
}

/// Go's `uint`, for parameters of exactly that type. Swift's `UInt` corresponds to Go's `uint64`.
public struct GoUInt: Codable, Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number.
    public var value: UInt

    /// Creates it from a number.
    public init(_ value: UInt) { self.value = value }

    /// Creates it from a literal.
    public init(integerLiteral value: UInt) { self.value = value }

    /// Reads a number.
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(UInt.self) }

    /// Writes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    /// The digits of the number.
    public var description: String { String(value) }
}
