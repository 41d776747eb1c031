import CeleriacWire

extension CelerySerializer {
    /// The serializer of a message's content type, if it may be read.
    static func accepted(_ contentType: String?, in accept: Set<CelerySerializer>) throws(CeleryWireError) -> Self {
        guard let contentType else {
            throw CeleryWireError(.disallowedContentType, "the message has no content type", field: "content_type")
        }
        guard let serializer = CelerySerializer(contentType: contentType) else {
            throw CeleryWireError(
                .disallowedContentType, "no serializer is known by this content type: \(excerpt(contentType))",
                field: "content_type")
        }
        if serializer == .pickle {
            throw CeleryWireError(
                .pickleRefused,
                "the body is a Python pickle, which only Python can read and which can run code; "
                    + "set task_serializer and result_serializer to 'json' at the sender",
                field: "content_type")
        }
        guard accept.contains(serializer) else {
            throw CeleryWireError(
                .disallowedContentType,
                "\(contentType) is not accepted here; add '\(serializer.rawValue)' to the accepted content",
                field: "content_type")
        }
        return serializer
    }

    /// Decompresses and parses a body.
    func decodeBody(
        _ bytes: [UInt8], compression: CeleryCompression?, limits: WireLimits
    ) throws(CeleryWireError) -> WireValue {
        guard let compression else { return try decode(bytes, limits: limits) }
        var inner = limits
        inner.maximumMessageBytes = limits.maximumDecompressedBytes
        return try decode(compression.decompress(bytes, limits: limits), limits: inner)
    }

    /// Parses a body.
    func decode(_ bytes: [UInt8], limits: WireLimits) throws(CeleryWireError) -> WireValue {
        do throws(WireError) {
            switch self {
            case .json: return try WireJSON.decode(bytes, limits: limits)
            case .msgpack: return try WireMessagePack.decode(bytes, limits: limits)
            case .yaml: return try WireYAML.decode(bytes, limits: limits)
            case .pickle: break
            }
        } catch {
            throw CeleryWireError(.undecodableBody, "the body is not \(rawValue)", field: "body", cause: error)
        }
        throw CeleryWireError(.pickleRefused, "pickle is never read", field: "content_type")
    }

    /// Writes a body as Python's libraries do.
    ///
    /// Bytes, which JSON has no form for, become kombu's `__type__` envelopes.
    func encode(_ value: WireValue, nonFinite: NonFinitePolicy) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            switch self {
            case .json:
                do throws(WireError) {
                    return try WireJSON.encode(value, style: .python, nonFinite: nonFinite)
                } catch  where error.code == .bytesUnsupported {
                    let mapped = try value.replacingBytes(with: TypeEnvelope.bytes)
                    return try WireJSON.encode(mapped, style: .python, nonFinite: nonFinite)
                }
            case .msgpack: return try WireMessagePack.encode(value)
            case .yaml: return try WireYAML.encode(value)
            case .pickle: break
            }
        } catch {
            throw CeleryWireError(.unrepresentable, "the value has no form in \(rawValue)", cause: error)
        }
        throw CeleryWireError(.pickleRefused, "pickle is never written; use 'json'", field: "content_type")
    }

    /// The beginning of a name from outside, fit for a log.
    private static func excerpt(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))).debugDescription
    }
}
