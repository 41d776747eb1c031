public import CeleriacWire

/// One argument of a task. Arguments are positional: the name is for people.
public struct MachineryArgument: Sendable, Hashable {
    /// A name for people; empty as a rule.
    public var name: String
    /// The Go type, for instance `int64` or `[]string`: see ``GoType``. Kept as it came, also when Machinery knows no such
    /// type.
    public var type: String
    /// The value as it stands in the message. Bytes are base64 text.
    public var value: WireValue

    /// Makes an argument.
    public init(name: String = "", type: String, value: WireValue) {
        self.name = name
        self.type = type
        self.value = value
    }
}

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

extension MachineryArgument {
    /// Refuses what a Go worker could not take: see ``MachinerySignature/validate()``.
    public func validate() throws(MachineryWireError) {
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
            throw outOfRange ? doesNotFit() : MachineryWireError(.valueMismatch, "an argument of type \(type) is none")
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
            // Cut off to its width it would be another number.
            if converted != value { throw doesNotFit() }
        }
    }

    private func doesNotFit() -> MachineryWireError {
        MachineryWireError(.valueOutOfRange, "a number does not fit an argument of type \(type)")
    }
}

extension MachinerySignature {
    /// The arguments, each with a value of its declared type: integers cut off to their width, bytes as `.bytes`.
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
