public import CeleriacWire

extension KombuEnvelope {
    /// Reads an envelope.
    ///
    /// Refused is what a Python worker could not take, or could not give back to its queue later: `properties`,
    /// `delivery_info` and `headers` that are no objects, a missing `delivery_tag` or `routing_key`, a body that is not
    /// what `body_encoding` says. Unknown parts are passed over.
    ///
    /// - Throws: `CeleryWireError.Code.malformedEnvelope`.
    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = .default
    ) throws(CeleryWireError) -> KombuEnvelope {
        let value: WireValue
        do throws(WireError) {
            value = try WireJSON.decode(bytes, limits: limits)
        } catch {
            throw CeleryWireError(.malformedEnvelope, "the envelope is not JSON", cause: error)
        }
        return try KombuEnvelope(value)
    }

    /// Reads an envelope that has been parsed.
    init(_ value: WireValue) throws(CeleryWireError) {
        guard case .object(let object) = value else {
            throw CeleryWireError(.malformedEnvelope, "an envelope must be a JSON object")
        }
        guard case .object(let parts)? = object["properties"] else {
            throw .malformed("properties", "must be an object")
        }
        var headers: WireObject = [:]
        switch object["headers"] {
        case .object(let value)?: headers = value
        case nil: break
        default: throw .malformed("headers", "must be an object")
        }
        var properties = MessageProperties()
        properties.contentType = try Self.text(object["content-type"], "content-type")
        properties.contentEncoding = try Self.text(object["content-encoding"], "content-encoding")

        var deliveryInfo: WireObject?
        var deliveryTag: String?
        var bodyEncoding = KombuBodyEncoding.text
        for (name, value) in parts {
            guard let property = KombuProperty(name) else {
                properties.other[name] = value
                continue
            }
            switch property {
            case .deliveryInfo: deliveryInfo = value.objectValue
            case .deliveryTag: deliveryTag = Self.deliveryTag(value)
            case .bodyEncoding: bodyEncoding = try Self.bodyEncoding(value)
            default: properties.read(property, name, value)
            }
        }
        guard let deliveryTag else { throw .malformed("properties.delivery_tag", "must be text") }
        guard let deliveryInfo else { throw .malformed("properties.delivery_info", "must be an object") }
        guard case .string(let routingKey)? = deliveryInfo["routing_key"] else {
            throw .malformed("properties.delivery_info.routing_key", "must be text")
        }
        self.init(
            message: WireMessage(
                headers: headers, properties: properties, body: try Self.body(object["body"], bodyEncoding)),
            exchange: try Self.exchange(deliveryInfo["exchange"]),
            routingKey: routingKey,
            deliveryTag: deliveryTag,
            bodyEncoding: bodyEncoding,
            redelivered: Self.isRedelivered(object, headers, deliveryInfo))
    }

    private static func text(_ value: WireValue?, _ field: String) throws(CeleryWireError) -> String? {
        switch value {
        case .string(let text)?: text
        case .null?, nil: nil
        default: throw .malformed(field, "must be text")
        }
    }

    private static func exchange(_ value: WireValue?) throws(CeleryWireError) -> String {
        switch value {
        case .string(let text)?: text
        // Python takes null for the default exchange, and fails when there is none.
        case .null?: ""
        default: throw .malformed("properties.delivery_info.exchange", "must be text")
        }
    }

    /// Text; or an integer, which Python's Redis client writes as text.
    private static func deliveryTag(_ value: WireValue) -> String? {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        default: nil
        }
    }

    private static func bodyEncoding(_ value: WireValue) throws(CeleryWireError) -> KombuBodyEncoding {
        switch value {
        case .null: return .text
        case .string(let name) where name == "base64": return .base64
        case .string(let name) where name.isEmpty || name.lowercased() == "utf-8": return .text
        default: throw .malformed("properties.body_encoding", "must be 'base64', 'utf-8' or null")
        }
    }

    private static func body(_ value: WireValue?, _ encoding: KombuBodyEncoding) throws(CeleryWireError) -> [UInt8] {
        switch value {
        case .string(let text)?:
            guard encoding == .base64 else { return Array(text.utf8) }
            do throws(WireError) {
                return try Base64.decode(text)
            } catch {
                throw CeleryWireError(.malformedEnvelope, "not base64", field: "body", cause: error)
            }
        case .null?, nil: return []
        default: throw .malformed("body", "must be text")
        }
    }

    /// Redis restores mark the headers and the delivery info, others the envelope itself.
    private static func isRedelivered(_ envelope: WireObject, _ headers: WireObject, _ info: WireObject) -> Bool {
        headers["redelivered"]?.isTruthy == true || info["redelivered"]?.isTruthy == true
            || envelope["redelivered"]?.isTruthy == true
    }
}

extension CeleryWireError {
    static func malformed(_ field: String, _ message: String) -> CeleryWireError {
        CeleryWireError(.malformedEnvelope, message, field: field)
    }
}
