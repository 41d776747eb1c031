import CeleriacWire

extension WireValue {
    /// The whole number, even if it is written as a float without a fraction; `nil` for any other value.
    var wholeNumber: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// What Python's `bool()` returns for the value.
    var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .number(let text): text.utf8.contains { UInt8(ascii: "1")...UInt8(ascii: "9") ~= $0 }
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .bytes(let value): !value.isEmpty
        case .array(let value): !value.isEmpty
        case .object(let value): !value.isEmpty
        }
    }

    /// The value, or `nil` if it is null.
    var unlessNull: WireValue? {
        // A bare `nil` would be the literal of `.null`.
        if isNull { return .none }
        return .some(self)
    }
}

extension Int {
    /// The next number, or the same one if it is the largest, which a peer may send.
    package var nextOrLast: Int { self < .max ? self + 1 : self }
}
