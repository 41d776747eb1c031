/// A value as it is on the wire, before a dialect gives it a meaning.
///
/// All codecs (JSON, MessagePack, YAML) read and write this type. It keeps what Foundation's JSON loses: the difference
/// between integers and floats, integers past 64 bits, the order of keys, `NaN` and the infinities.
public enum WireValue: Sendable, Hashable {
    /// JSON `null`, Python `None`.
    case null
    /// A boolean.
    case bool(Bool)
    /// An integer that fits 64 bits with a sign.
    case int(Int64)
    /// A number as decimal text because neither `Int64` nor `Double` holds it exactly, for instance the integer
    /// `1180591620717411303424`.
    case number(String)
    /// A floating point number, including `NaN` and the infinities.
    case double(Double)
    /// Text.
    case string(String)
    /// Raw bytes. MessagePack and YAML have a form for them; for JSON, a value coding maps them.
    case bytes([UInt8])
    /// A list.
    case array([WireValue])
    /// An object that keeps the order of its keys.
    case object(WireObject)
}

extension WireValue {
    /// The value of an object's key; `nil` if this is not an object or has no such key.
    public subscript(key: String) -> WireValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// An array's element; `nil` if this is not an array or the index is out of range.
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

    /// The integer; `nil` for any other value, including floats and integers past 64 bits.
    public var int64Value: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The integer; `nil` for any other value, including floats and integers that do not fit `Int`.
    public var intValue: Int? {
        if case .int(let value) = self { Int(exactly: value) } else { nil }
    }

    /// The number, integer or not, as the nearest `Double`; `nil` for any other value.
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

extension WireValue {
    /// The kind of value for error messages. It says nothing about the content.
    package var kindInWords: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .number: "a number past 64 bits"
        case .double: "a float"
        case .string: "a string"
        case .bytes: "bytes"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension WireValue: ExpressibleByNilLiteral {
    /// `nil` stands for `.null`.
    public init(nilLiteral: ()) {
        self = .null
    }
}

extension WireValue: ExpressibleByBooleanLiteral {
    /// `true` stands for `.bool(true)`.
    public init(booleanLiteral value: Bool) {
        self = .bool(value)
    }
}

extension WireValue: ExpressibleByIntegerLiteral {
    /// `1` stands for `.int(1)`.
    public init(integerLiteral value: Int64) {
        self = .int(value)
    }
}

extension WireValue: ExpressibleByFloatLiteral {
    /// `1.0` stands for `.double(1.0)`.
    public init(floatLiteral value: Double) {
        self = .double(value)
    }
}

extension WireValue: ExpressibleByStringLiteral {
    /// `"text"` stands for `.string("text")`.
    public init(stringLiteral value: String) {
        self = .string(value)
    }
}

extension WireValue: ExpressibleByArrayLiteral {
    /// `[1, 2]` stands for `.array([1, 2])`.
    public init(arrayLiteral elements: WireValue...) {
        self = .array(elements)
    }
}

extension WireValue: ExpressibleByDictionaryLiteral {
    /// `["a": 1]` stands for `.object(["a": 1])`. Of several values for one key the last one is kept.
    public init(dictionaryLiteral elements: (String, WireValue)...) {
        self = .object(WireObject(elements))
    }
}
