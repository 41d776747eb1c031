extension WireValue {
    /// The value of an object's key; `nil` when this is not an object or has no such key.
    public subscript(key: String) -> WireValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// An array's element; `nil` when this is not an array or the position is outside it.
    public subscript(index: Int) -> WireValue? {
        guard case .array(let array) = self, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// Whether this is `.null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The boolean; `nil` for any other value.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer; `nil` for any other value, floats and integers past 64 bits included.
    public var int64Value: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The integer; `nil` for any other value, floats and integers that do not fit `Int` included.
    public var intValue: Int? {
        if case .int(let value) = self { Int(exactly: value) } else { nil }
    }

    /// The number as the nearest `Double`, also of an integer; `nil` for any other value.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .number(let text): Double(text)
        case .double(let value): value
        default: nil
        }
    }

    /// The text; `nil` for any other value.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The list; `nil` for any other value.
    public var arrayValue: [WireValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The object; `nil` for any other value.
    public var objectValue: WireObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The bytes; `nil` for any other value.
    public var bytesValue: [UInt8]? {
        if case .bytes(let value) = self { value } else { nil }
    }
}
