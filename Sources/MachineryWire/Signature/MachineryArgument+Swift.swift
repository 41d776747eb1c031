public import CeleriacWire

extension MachineryArgument {
    /// Makes an argument of a Swift value, of the Go type that its Swift type stands for.
    ///
    /// - Throws: ``MachineryWireError`` with code `unsupportedType` when it stands for none, `nonFinite` for a float that
    ///   JSON lacks.
    public init<Value: Encodable>(_ value: Value, name: String = "") throws {
        guard let type = GoType(Value.self) else {
            throw MachineryWireError(
                .unsupportedType,
                "\(Value.self) stands for no type of Machinery's: use numbers, text, booleans, bytes or arrays of them")
        }
        let wire = try WireEncoder(coding: MachineryValueCoding()).encode(value)
        self.init(name: name, type: type == .bytes ? "[]byte" : type.name, value: wire)
        try validate()
    }

    /// Makes an argument of a value without a Swift type: integers are `int64` (`uint64` past that), floats `float64`,
    /// and arrays take the type of their first element.
    ///
    /// - Throws: ``MachineryWireError`` with code `unsupportedType` for null, objects, nested and empty arrays.
    public init(untyped value: WireValue) throws(MachineryWireError) {
        guard let type = Self.type(of: value) else {
            throw MachineryWireError(
                .unsupportedType, "no Go type can be told from \(value.isNull ? "null" : "such a value"): name one")
        }
        if case .bytes(let bytes) = value {
            self.init(type: "[]byte", value: .string(Base64.encode(bytes)))
        } else {
            self.init(type: type.name, value: value)
        }
        try validate()
    }

    private static func type(of value: WireValue) -> GoType? {
        switch value {
        case .bool: GoType(.bool)
        case .int: GoType(.int64)
        case .number(let text): UInt64(text) == nil ? GoType(.float64) : GoType(.uint64)
        case .double: GoType(.float64)
        case .string: GoType(.string)
        case .bytes: .bytes
        case .array(let elements):
            elements.first.flatMap { type(of: $0) }.flatMap { $0.isSlice ? nil : GoType($0.scalar, isSlice: true) }
        case .null, .object: nil
        }
    }
}
