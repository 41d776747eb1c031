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
    /// `["a": 1]` stands for `.object(["a": 1])`. A key written twice keeps its last value.
    public init(dictionaryLiteral elements: (String, WireValue)...) {
        var object = WireObject(minimumCapacity: elements.count)
        for (key, value) in elements {
            object[key] = value
        }
        self = .object(object)
    }
}
