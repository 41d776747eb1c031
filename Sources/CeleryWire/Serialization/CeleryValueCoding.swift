public import CeleriacWire
import FoundationEssentials

/// How Celery carries the values that JSON lacks.
///
/// Since kombu 5.3 they are objects with exactly the keys `__type__` and `__value__`; before, they were plain text.
/// Both are read.
public struct CeleryValueCoding: ValueCoding {
    /// A form of extended values.
    public enum Form: Sendable, Hashable {
        /// `__type__` envelopes in JSON, for peers with kombu 5.3 and later.
        case typed
        /// Plain text in JSON, for Celery up to 5.2, which does not know the envelopes. It has no form for bytes.
        case legacy
        /// Raw bytes and otherwise plain text, for MessagePack and YAML.
        case binary
    }

    /// The form to write.
    public var form: Form

    /// Creates a coding.
    public init(form: Form = .typed) {
        self.form = form
    }

    /// Creates the coding for bodies of a serializer.
    public init(for serializer: CelerySerializer) {
        self.init(form: serializer == .json || serializer == .auth ? .typed : .binary)
    }

    /// `__type__` envelopes.
    public static let typed = CeleryValueCoding()
    /// Plain text, for Celery up to 5.2.
    public static let legacy = CeleryValueCoding(form: .legacy)

    private static let plain = PlainValueCoding()

    /// Writes an extended value.
    ///
    /// - Throws: `WireError`: `bytesUnsupported` for bytes in the legacy form, `unsupported` for an instant outside the
    ///   years 1 to 9999.
    public func wireValue(for value: ExtendedValue) throws(WireError) -> WireValue {
        switch form {
        case .typed: return try Self.typedValue(for: value)
        case .legacy: return try Self.legacyValue(for: value)
        case .binary:
            if case .bytes(let bytes) = value { return .bytes(bytes) }
            return try Self.legacyValue(for: value)
        }
    }

    private static func typedValue(for value: ExtendedValue) throws(WireError) -> WireValue {
        switch value {
        case .instant, .localDateTime: return TypeEnvelope.make("datetime", try plain.wireValue(for: value))
        case .localDate: return TypeEnvelope.make("date", try plain.wireValue(for: value))
        case .localTime: return TypeEnvelope.make("time", try plain.wireValue(for: value))
        case .decimal: return TypeEnvelope.make("decimal", try plain.wireValue(for: value))
        case .uuid(let uuid):
            let hex = uuid.uuidString.lowercased().filter { $0 != "-" }
            return TypeEnvelope.make("uuid", ["hex": .string(hex)])
        case .bytes(let bytes): return TypeEnvelope.bytes(bytes)
        }
    }

    /// What kombu before 5.3 wrote: `Z` for UTC, and dates with a time of midnight.
    private static func legacyValue(for value: ExtendedValue) throws(WireError) -> WireValue {
        switch value {
        case .instant:
            guard case .string(let text) = try plain.wireValue(for: value), text.hasSuffix("+00:00") else {
                return try plain.wireValue(for: value)
            }
            return .string(text.dropLast(6) + "Z")
        case .localDate(let date): return .string(date.description + "T00:00:00")
        case .bytes:
            throw WireError(.bytesUnsupported, "Celery up to 5.2 has no JSON form for bytes; send base64 text")
        default: return try plain.wireValue(for: value)
        }
    }

    /// Reads an extended value of the requested kind from an envelope or from plain text.
    ///
    /// - Throws: `WireError`: `typeMismatch` when the value has another type, `malformed`, `invalidNumber` or
    ///   `invalidBase64` when its text is not of the requested kind.
    public func value(
        of kind: ExtendedValue.Kind, from wireValue: WireValue
    ) throws(WireError) -> ExtendedValue {
        guard let (type, content) = TypeEnvelope.parts(of: wireValue) else {
            if kind == .bytes, case .string = wireValue {
                // Text is not base64 here: decoding it would change what was sent.
                throw WireError(.typeMismatch, "expected bytes, found text")
            }
            return try Self.plain.value(of: kind, from: wireValue)
        }
        switch (type.stringValue, kind) {
        case ("datetime", .instant), ("datetime", .localDateTime), ("date", .localDate), ("time", .localTime),
            ("decimal", .decimal):
            return try Self.plain.value(of: kind, from: content)
        case ("uuid", .uuid):
            guard let hex = content["hex"]?.stringValue, let uuid = UUID(uuidString: TypeEnvelope.dashed(hex) ?? hex)
            else {
                throw WireError(.malformed, "expected a UUID of 32 hexadecimal digits")
            }
            return .uuid(uuid)
        case ("bytes", .bytes):
            guard let text = content.stringValue else { throw Self.mismatch(kind) }
            return .bytes(Array(text.utf8))
        case ("base64", .bytes):
            guard let text = content.stringValue else { throw Self.mismatch(kind) }
            return .bytes(try Base64.decode(text))
        default:
            throw Self.mismatch(kind)
        }
    }

    private static func mismatch(_ kind: ExtendedValue.Kind) -> WireError {
        WireError(.typeMismatch, "expected \(kind), found a __type__ envelope of another type")
    }
}

/// kombu's JSON form of values that JSON lacks: an object with exactly the keys `__type__` and `__value__` (since 5.3).
enum TypeEnvelope {
    /// The type and the value of an envelope; `nil` for anything else, including an object with further keys.
    static func parts(of value: WireValue) -> (type: WireValue, value: WireValue)? {
        guard case .object(let object) = value, object.count == 2,
            let type = object["__type__"], let value = object["__value__"]
        else { return nil }
        return (type, value)
    }

    static func make(_ type: String, _ value: WireValue) -> WireValue {
        ["__type__": .string(type), "__value__": value]
    }

    /// Bytes as kombu writes them: as text if they are UTF-8, otherwise as base64.
    static func bytes(_ bytes: [UInt8]) -> WireValue {
        if let text = String(validating: bytes, as: UTF8.self) { return make("bytes", .string(text)) }
        return base64(bytes)
    }

    static func base64(_ bytes: [UInt8]) -> WireValue {
        make("base64", .string(Base64.encode(bytes)))
    }

    /// The text of a UUID from the 32 digits in an envelope; `nil` for any other length.
    static func dashed(_ hex: String) -> String? {
        guard hex.utf8.count == 32 else { return nil }
        var text = hex
        for offset in [20, 16, 12, 8] {
            text.insert("-", at: text.utf8.index(text.startIndex, offsetBy: offset))
        }
        return text
    }
}

extension WireValue {
    /// Replaces all bytes within the value. Throws `tooDeep` past `depth` levels, because it is recursive.
    func replacingBytes(
        with replacement: ([UInt8]) -> WireValue, depth: Int = 128
    ) throws(WireError) -> WireValue {
        switch self {
        case .bytes(let bytes):
            return replacement(bytes)
        case .array(let values):
            guard depth > 0 else { throw Self.tooDeep }
            return .array(
                try values.map { value throws(WireError) in
                    try value.replacingBytes(with: replacement, depth: depth - 1)
                })
        case .object(var object):
            guard depth > 0 else { throw Self.tooDeep }
            for index in object.indices {
                object.setValue(try object[index].value.replacingBytes(with: replacement, depth: depth - 1), at: index)
            }
            return .object(object)
        default:
            return self
        }
    }

    private static var tooDeep: WireError {
        WireError(.tooDeep, "nested deeper than the limit")
    }
}
