package import CeleriacWire

/// A serializer of kombu's registry, under the name that `task_serializer` and `accept_content` use.
public enum CelerySerializer: String, Sendable, Hashable, CaseIterable {
    /// JSON, the default.
    case json
    /// MessagePack, with text as str and bytes as bin.
    case msgpack
    /// YAML without tags that make objects.
    case yaml
    /// Python's pickle, which is never read or written. It is here so that errors can name it.
    case pickle
    /// A signed body, which has one of the other forms inside. Only tasks, remote control and events have it, in an
    /// application with keys and with the package trait `Signing`.
    case auth

    /// The content type of messages.
    public var contentType: String {
        switch self {
        case .json: "application/json"
        case .msgpack: "application/x-msgpack"
        case .yaml: "application/x-yaml"
        case .pickle: "application/x-python-serialize"
        case .auth: "application/data"
        }
    }

    /// The content encoding of messages.
    public var contentEncoding: String {
        switch self {
        case .json, .yaml, .auth: "utf-8"
        case .msgpack, .pickle: "binary"
        }
    }

    /// Finds the serializer with a content type; `nil` if kombu's registry has no such content type.
    public init?(contentType: String) {
        switch contentType {
        case "application/json": self = .json
        case "application/x-msgpack": self = .msgpack
        case "application/x-yaml": self = .yaml
        case "application/x-python-serialize": self = .pickle
        case "application/data": self = .auth
        default: return nil
        }
    }
}

extension CelerySerializer {
    /// The serializer of a message's content type, or an error if it is not accepted. `place` is where it would have to
    /// be listed.
    static func accepted(
        _ contentType: String?, in accept: Set<CelerySerializer>, of place: String = "the accepted content"
    ) throws(CeleryWireError) -> Self {
        guard let contentType else {
            throw CeleryWireError(.disallowedContentType, "the message has no content type", field: "content_type")
        }
        guard let serializer = CelerySerializer(contentType: contentType) else {
            throw CeleryWireError(
                .disallowedContentType, "there is no serializer for this content type: \(excerpt(contentType))",
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
                "\(contentType) is not accepted here; add '\(serializer.rawValue)' to \(place)"
                    + (serializer == .auth ? ": \(Self.lackOfKeys)" : ""),
                field: "content_type")
        }
        return serializer
    }

    /// Decompresses and parses a body.
    func decodeBody(
        _ bytes: [UInt8], compression: CompressionMethod?, limits: WireLimits
    ) throws(CeleryWireError) -> WireValue {
        guard let compression else { return try decode(bytes, limits: limits) }
        var inner = limits
        inner.maximumMessageBytes = limits.maximumDecompressedBytes
        return try decode(compression.decompressBody(bytes, limits: limits), limits: inner)
    }

    /// Parses a body.
    func decode(_ bytes: [UInt8], limits: WireLimits) throws(CeleryWireError) -> WireValue {
        do throws(WireError) {
            switch self {
            case .json: return try WireJSON.decode(bytes, limits: limits)
            case .msgpack: return try WireMessagePack.decode(bytes, limits: limits)
            case .yaml: return try WireYAML.decode(bytes, limits: limits)
            case .pickle, .auth: break
            }
        } catch {
            throw CeleryWireError(.undecodableBody, "the body", as: rawValue, field: "body", cause: error)
        }
        if self == .auth {
            // Whoever has keys opens the body before.
            throw CeleryWireError(
                .disallowedContentType,
                "only tasks, remote control and events may be signed, and \(Self.lackOfKeys)", field: "content_type")
        }
        throw CeleryWireError(.pickleRefused, "pickle is never read", field: "content_type")
    }

    /// Writes a body as Python's libraries do. In JSON, bytes become kombu's `__type__` envelopes.
    package func encode(
        _ value: WireValue, nonFinite: NonFinitePolicy, limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        let depth = limits.maximumDepth
        do throws(WireError) {
            switch self {
            case .json:
                do throws(WireError) {
                    return try WireJSON.encode(value, style: .python, nonFinite: nonFinite, maximumDepth: depth)
                } catch  where error.code == .bytesUnsupported {
                    let mapped = try value.replacingBytes(with: TypeEnvelope.bytes, depth: depth)
                    return try WireJSON.encode(mapped, style: .python, nonFinite: nonFinite, maximumDepth: depth)
                }
            case .msgpack: return try WireMessagePack.encode(value, maximumDepth: depth)
            case .yaml: return try WireYAML.encode(value, maximumDepth: depth)
            case .pickle, .auth: break
            }
        } catch {
            throw CeleryWireError(.unrepresentable, "the value has no form in \(rawValue)", cause: error)
        }
        if self == .auth {
            throw CeleryWireError(
                .unrepresentable,
                "only tasks, remote control and events may be signed, and \(Self.lackOfKeys)", field: "content_type")
        }
        throw CeleryWireError(.pickleRefused, "pickle is never written; use 'json'", field: "content_type")
    }

    /// The beginning of a name from outside, safe to log.
    static func excerpt(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))).debugDescription
    }
}

extension WireMessage {
    /// A message with a body as kombu writes it, with NaN and the infinities as Python writes them.
    static func encoded(
        _ body: WireValue, as serializer: CelerySerializer, headers: WireObject, deliveryMode: UInt8
    ) throws(CeleryWireError) -> WireMessage {
        WireMessage(
            headers: headers,
            properties: MessageProperties(
                contentType: serializer.contentType, contentEncoding: serializer.contentEncoding,
                deliveryMode: deliveryMode, priority: 0),
            // An inspection has the arguments of tasks some levels deeper than their messages.
            body: try serializer.encode(body, nonFinite: .allow, limits: WireLimits(maximumDepth: 1_100)))
    }
}

extension WireLimits {
    /// As deep as Celery nests values, for what other limits do not reach: headers, results that are looked into, what
    /// the command shows.
    package static let celery = WireLimits(maximumDepth: 1_000)
}
