/// Go's `int`: a parameter of that type takes no other. Swift's `Int` stands for Go's `int64`.
public struct GoInt: Codable, Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number.
    public var value: Int

    /// Makes it of a number.
    public init(_ value: Int) { self.value = value }

    /// Makes it of a number.
    public init(integerLiteral value: Int) { self.value = value }

    /// Reads a number.
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Int.self) }

    /// Writes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    /// The number's digits.
    public var description: String { String(value) }
}

/// Go's `uint`: a parameter of that type takes no other. Swift's `UInt` stands for Go's `uint64`.
public struct GoUInt: Codable, Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number.
    public var value: UInt

    /// Makes it of a number.
    public init(_ value: UInt) { self.value = value }

    /// Makes it of a number.
    public init(integerLiteral value: UInt) { self.value = value }

    /// Reads a number.
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(UInt.self) }

    /// Writes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    /// The number's digits.
    public var description: String { String(value) }
}
