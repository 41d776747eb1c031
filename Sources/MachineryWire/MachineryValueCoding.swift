public import CeleriacWire

/// How Swift values become Machinery's arguments and results, each of which names its Go type.
///
/// Bytes are base64 text. Dates, decimals and UUIDs have no form among Machinery's types, so pass them as text.
public struct MachineryValueCoding: ValueCoding {
    /// Creates the coding.
    public init() {}

    /// Writes bytes as base64.
    ///
    /// - Throws: `WireError.Code.unsupported` for any other value.
    public func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue {
        guard case .bytes(let bytes) = value else {
            throw WireError(.unsupported, "Machinery has no type for such a value; pass it as text")
        }
        return .string(Base64.encode(bytes))
    }

    /// Reads bytes from base64.
    ///
    /// - Throws: `WireError`: `unsupported` for any other kind, `invalidBase64` or `typeMismatch` for other values.
    public func value(of kind: ExtendedValue.Kind, from wireValue: WireValue) throws(WireError) -> ExtendedValue {
        guard kind == .bytes else {
            throw WireError(.unsupported, "Machinery has no type for such a value; read it as text")
        }
        switch wireValue {
        case .bytes(let bytes): return .bytes(bytes)
        case .string(let text): return .bytes(try Base64.decode(text))
        default: throw WireError(.typeMismatch, "expected base64 text")
        }
    }

    /// Arguments and results name their types.
    public var callForm: CallForm? { CallForm(MachineryCallCoding()) }
}

/// Arguments as `{"Name":…,"Type":…,"Value":…}`, results as a list of `{"Type":…,"Value":…}`.
private struct MachineryCallCoding: CallCoding {
    private var encoder: WireEncoder { WireEncoder(coding: MachineryValueCoding()) }
    private var decoder: WireDecoder { WireDecoder(coding: MachineryValueCoding()) }

    func encodeArgument<Value: Encodable>(_ value: Value) throws -> WireValue {
        // An untyped value is either a whole argument or a value whose Go type is obvious.
        if let wire = value as? WireValue {
            return try (MachineryArgument(wire: wire) ?? MachineryArgument(untyped: wire)).wireValue
        }
        return try MachineryArgument(value).wireValue
    }

    func decodeArgument<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value {
        guard let argument = MachineryArgument(wire: value) else {
            throw CallError("reflect: Call using another value")
        }
        return try decode(type, argument)
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ argument: MachineryArgument) throws -> Value {
        if type == WireValue.self, let value = argument.value as? Value { return value }
        guard let expected = GoType(type) else { throw CallError("\(type) is not one of supported types") }
        guard let found = GoType(name: argument.type), found == expected else {
            let name = GoType(name: argument.type)?.name ?? argument.type
            throw CallError("reflect: Call using \(name) as type \(expected.name)")
        }
        do {
            return try decoder.decode(type, from: argument.value)
        } catch {
            throw CallError("reflect: Call using another value as type \(expected.name)")
        }
    }

    func encodeResults(_ values: [any Encodable]) throws -> WireValue {
        .array(try values.map { try encodeResult($0) })
    }

    private func encodeResult(_ value: any Encodable) throws -> WireValue {
        if let wire = value as? WireValue {
            if let result = MachineryResult(wire: wire) { return result.wireValue }
            return try Self.result(of: MachineryArgument(untyped: wire))
        }
        return try Self.result(of: MachineryArgument(value))
    }

    /// A result has Go's own name of the type, which for bytes is `[]uint8`.
    private static func result(of argument: MachineryArgument) -> WireValue {
        MachineryResult(type: GoType(name: argument.type)?.name ?? argument.type, value: argument.value).wireValue
    }

    func results(in value: WireValue) throws -> [WireValue] {
        guard let results = value.arrayValue else { throw CallError("the results are not a list") }
        return results
    }

    func decodeResult<Value: Decodable>(_ type: Value.Type, from value: WireValue) throws -> Value {
        guard let result = MachineryResult(wire: value) else { throw CallError("the result has no type and value") }
        if type == WireValue.self, let value = result.value as? Value { return value }
        let converted = try GoConversion.convert(result.value, typeName: result.type)
        return try decode(type, MachineryArgument(type: result.type, value: converted))
    }

    func text(of mismatch: CallMismatch) -> String {
        switch mismatch {
        case .tooFewArguments: "reflect: Call with too few input arguments"
        case .tooManyArguments: "reflect: Call with too many input arguments"
        }
    }
}
