public import CeleriacWire

/// How Swift values become Machinery's arguments and results: each an object that names its Go type.
///
/// Bytes are base64 text. Dates, decimals and UUIDs have no form among Machinery's types: pass them as text.
public struct MachineryValueCoding: ValueCoding {
    /// Makes the coding.
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
    /// - Throws: `WireError.Code.unsupported` for any other kind, `invalidBase64` or `typeMismatch` for other values.
    public func value(of kind: ExtendedValue.Kind, from wireValue: WireValue) throws(WireError) -> ExtendedValue {
        guard kind == .bytes else {
            throw WireError(.unsupported, "Machinery has no type for such a value; take it as text")
        }
        switch wireValue {
        case .bytes(let bytes): return .bytes(bytes)
        case .string(let text): return .bytes(try Base64.decode(text))
        default: throw WireError(.typeMismatch, "expected base64 text")
        }
    }

    /// Arguments and results name their types.
    public var callCoding: (any CallCoding)? { MachineryCallCoding() }
}
