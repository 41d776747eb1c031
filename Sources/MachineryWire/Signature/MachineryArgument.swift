public import CeleriacWire

/// One argument of a task. Arguments are positional; their names are for people.
public struct MachineryArgument: Sendable, Hashable {
    /// A name for people, usually empty.
    public var name: String
    /// The Go type, for instance `int64` or `[]string`. Decoding keeps it even if Machinery does not know such a type.
    public var type: String
    /// The value as it is in the message, where bytes are base64 text.
    public var value: WireValue

    /// Creates an argument.
    public init(name: String = "", type: String, value: WireValue) {
        self.name = name
        self.type = type
        self.value = value
    }
}

extension MachineryArgument {
    /// Creates an argument from a Swift value, with the Go type that corresponds to its Swift type.
    ///
    /// - Throws: ``MachineryWireError``: `unsupportedType` if there is no such Go type, `nonFinite` for NaN and the
    ///   infinities.
    public init<Value: Encodable>(_ value: Value, name: String = "") throws {
        guard let type = GoType(Value.self) else {
            throw MachineryWireError(
                .unsupportedType,
                "Machinery has no type for \(Value.self); use numbers, text, booleans, bytes or arrays of them")
        }
        let wire = try WireEncoder(coding: MachineryValueCoding()).encode(value)
        self.init(name: name, type: type == .bytes ? "[]byte" : type.name, value: wire)
        try validate()
    }

    /// Creates an argument from an untyped value: integers are `int64`, or `uint64` if they do not fit it; floats are
    /// `float64`; the type of an array is that of its first element.
    ///
    /// - Throws: ``MachineryWireError``: `unsupportedType` for null, objects, nested and empty arrays.
    public init(untyped value: WireValue) throws(MachineryWireError) {
        guard let type = Self.type(of: value) else {
            throw MachineryWireError(
                .unsupportedType, "the Go type of \(value.isNull ? "null" : "such a value") is not obvious; name one")
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

extension MachineryArgument {
    /// Refuses what a Go worker could not take. See ``MachinerySignature/validate()``.
    package func validate() throws(MachineryWireError) {
        guard let goType = GoType(name: type) else {
            throw MachineryWireError(.unsupportedType, "'\(type)' is not one of Machinery's types")
        }
        guard goType.isSlice else { return try check(value, goType.scalar) }
        switch value {
        case .array(let elements):
            for element in elements { try check(element, goType.scalar) }
        case .null: return
        case .string(let text) where goType.scalar.isUnsigned:
            guard (try? Base64.decode(text)) != nil else {
                throw MachineryWireError(.valueMismatch, "the text of an argument of type \(type) is not base64")
            }
        default: throw MachineryWireError(.valueMismatch, "an argument of type \(type) is not an array")
        }
    }

    private func check(_ value: WireValue, _ scalar: GoType.Scalar) throws(MachineryWireError) {
        let converted: WireValue
        do {
            converted = try GoConversion.convert(value, typeName: scalar.rawValue)
        } catch {
            let outOfRange = error.text.hasSuffix("out of range") || (value.int64Value ?? 0) < 0 && scalar.isUnsigned
            throw outOfRange
                ? doesNotFit()
                : MachineryWireError(.valueMismatch, "the value of an argument of type \(type) has another type")
        }
        switch (value, scalar) {
        case (.double(let number), .float32), (.double(let number), .float64):
            if !number.isFinite {
                throw MachineryWireError(.nonFinite, "JSON has no form for NaN and the infinities")
            }
            if scalar == .float32, converted.doubleValue?.isFinite != true { throw doesNotFit() }
        case (_, .float32):
            if converted.doubleValue?.isFinite != true { throw doesNotFit() }
        case (.int, .float64), (.number, .float64), (.bool, _), (.string, _): return
        default:
            // Truncating it to the width of its type would change the number.
            if converted != value { throw doesNotFit() }
        }
    }

    private func doesNotFit() -> MachineryWireError {
        MachineryWireError(.valueOutOfRange, "a number does not fit an argument of type \(type)")
    }
}

extension MachinerySignature {
    /// The arguments with values of their declared types: integers truncated to their width, bytes as `.bytes`.
    ///
    /// - Throws: ``CallError`` with the text that Go stores as the task's error.
    public func convertedArguments() throws(CallError) -> [MachineryArgument] {
        var converted: [MachineryArgument] = []
        converted.reserveCapacity(args?.count ?? 0)
        for argument in args ?? [] {
            do {
                converted.append(
                    MachineryArgument(
                        name: argument.name, type: argument.type,
                        value: try GoConversion.convert(argument.value, typeName: argument.type)))
            } catch {
                throw CallError("Reflect task args error: \(error.text)")
            }
        }
        return converted
    }
}

extension MachineryArgument {
    /// The argument as the value that untyped handlers get.
    package var wireValue: WireValue {
        .object(["Name": .string(name), "Type": .string(type), "Value": value])
    }

    /// Reads an argument; `nil` if the value is not an object with `Type`, `Value` and, optionally, `Name`.
    package init?(wire value: WireValue) {
        guard case .object(let object) = value, case .string(let type)? = object["Type"],
            let inner = object["Value"], object.count == (object["Name"] == nil ? 2 : 3)
        else { return nil }
        self.init(name: object["Name"]?.stringValue ?? "", type: type, value: inner)
    }
}
