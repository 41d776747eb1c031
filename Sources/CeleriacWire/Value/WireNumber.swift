/// An integer of any size, kept as its decimal text: for what Python sends as `2**70` and `Int` cannot hold.
///
/// It does no arithmetic. Convert it to an integer type that is wide enough, or hand its text to a big number library.
public struct WireNumber: Sendable, Hashable {
    /// The digits, with a `-` before them when negative; no other sign, no leading zeros.
    public let text: String

    /// Makes a number of decimal text; `nil` when that is not an integer.
    public init?(_ text: String) {
        guard let canonical = Self.canonical(text) else { return nil }
        self.text = canonical
    }

    /// Makes a number of an integer.
    public init(_ value: some BinaryInteger) {
        self.text = String(value)
    }

    /// The number as an integer of the type asked for; `nil` when it does not fit.
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
    /// Makes a number of a literal.
    public init(integerLiteral value: Int64) {
        self.init(value)
    }
}

extension WireNumber {
    /// The number on the wire: `.int` where it fits, else `.number`.
    public var wireValue: WireValue {
        Int64(text).map { .int($0) } ?? .number(text)
    }

    /// Makes a number of a value on the wire; `nil` when that is not an integer.
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

    /// Writes an integer where 64 bits are enough, else the decimal text. A `WireEncoder` writes integers of any size.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value = Int64(text) {
            try container.encode(value)
        } else {
            try container.encode(text)
        }
    }
}
