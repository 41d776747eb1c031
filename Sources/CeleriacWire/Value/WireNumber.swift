/// An integer of any size, stored as decimal text: what Python sends for `2**70`, for instance.
///
/// It does no arithmetic. Convert it to an integer type that is wide enough, or pass its text to a big number library.
public struct WireNumber: Sendable, Hashable {
    /// The digits, after a `-` if the number is negative. There is no other sign and no leading zero.
    public let text: String

    /// Creates a number from decimal text; `nil` if the text is not an integer.
    public init?(_ text: String) {
        guard let canonical = Self.canonical(text) else { return nil }
        self.text = canonical
    }

    /// Creates a number from an integer.
    public init(_ value: some BinaryInteger) {
        self.text = String(value)
    }

    /// The number as an integer of the given type; `nil` if it does not fit.
    public func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        Integer(text)
    }

    private static func canonical(_ text: String) -> String? {
        var digits = text.utf8[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.allSatisfy({ $0 &- UInt8(ascii: "0") <= 9 }) else { return nil }
        digits = digits.drop { $0 == UInt8(ascii: "0") }
        guard !digits.isEmpty else { return "0" }
        return (negative ? "-" : "") + String(Substring(digits))
    }
}

extension WireNumber: LosslessStringConvertible {
    /// The decimal text.
    public var description: String { text }
}

extension WireNumber: ExpressibleByIntegerLiteral {
    /// Creates a number from a literal.
    public init(integerLiteral value: Int64) {
        self.init(value)
    }
}

extension WireNumber {
    /// The number on the wire: `.int` if it fits 64 bits, otherwise `.number`.
    public var wireValue: WireValue {
        Int64(text).map { .int($0) } ?? .number(text)
    }

    /// Creates a number from a value on the wire; `nil` if the value is not an integer.
    public init?(_ value: WireValue) {
        switch value {
        case .int(let value): self.init(value)
        case .number(let text): self.init(text)
        default: return nil
        }
    }
}

extension WireNumber: Codable {
    /// Reads an integer that fits 64 bits, or the decimal text. A `WireDecoder` reads integers of any size.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Int64.self) {
            self.init(value)
        } else if let text = try? container.decode(String.self), let number = WireNumber(text) {
            self = number
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an integer")
        }
    }

    /// Writes an integer if it fits 64 bits, otherwise the decimal text. A `WireEncoder` writes integers of any size.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value = Int64(text) {
            try container.encode(value)
        } else {
            try container.encode(text)
        }
    }
}
