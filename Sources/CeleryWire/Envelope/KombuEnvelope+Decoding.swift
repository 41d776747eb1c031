public import CeleriacWire

extension KombuEnvelope {
    /// Reads an envelope.
    ///
    /// It refuses what a Python worker could not take or could not give back later: `properties`, `delivery_info` or
    /// `headers` that are not objects, a missing `delivery_tag` or `routing_key`, and a body that is not what
    /// `body_encoding` says. It ignores unknown parts.
    ///
    /// - Throws: `CeleryWireError.Code.malformedEnvelope`.
    public static func decode(
        _ bytes: [UInt8], limits: WireLimits = .default
    ) throws(CeleryWireError) -> KombuEnvelope {
        try KombuEnvelope(parse(bytes, limits: limits).value)
    }

    /// Parses an envelope.
    ///
    /// It may be a third larger than `limits` allow, because base64 makes the body so. Half a surrogate pair becomes
    /// U+FFFD where nothing depends on it, as in `argsrepr` and in headers that are not Celery's: file names that are not
    /// UTF-8 come so, and Python runs such tasks.
    ///
    /// - Returns: the envelope, and whether nothing in it was replaced.
    /// - Throws: `CeleryWireError.Code.malformedEnvelope`.
    static func parse(
        _ bytes: [UInt8], limits: WireLimits
    ) throws(CeleryWireError) -> (value: WireValue, isWhole: Bool) {
        var own = limits
        let (larger, overflow) = limits.maximumMessageBytes.addingReportingOverflow(
            limits.maximumMessageBytes / 3 + 1 << 20)
        own.maximumMessageBytes = overflow ? .max : larger
        do throws(WireError) {
            return (try WireJSON.decode(bytes, limits: own), true)
        } catch {
            if error.code == .loneSurrogate,
                let shown = try? WireJSON.decode(bytes, limits: own, reading: .shown), isExact(shown)
            {
                return (shown, false)
            }
            throw CeleryWireError(.malformedEnvelope, "the envelope", as: "JSON", cause: error)
        }
    }

    /// The headers and properties by which tasks, results and queues find each other.
    static let exactNames: Set<String> = [
        "id", "task", "root_id", "parent_id", "group", "correlation_id", "reply_to", "delivery_tag", "delivery_info",
        "body_encoding",
    ]

    /// Whether no text was replaced on which something depends: the body, and the names by which things find each other.
    private static func isExact(_ envelope: WireValue) -> Bool {
        guard let object = envelope.objectValue else { return false }
        return ["headers", "properties"].allSatisfy { part in
            object[part]?.objectValue?.allSatisfy { name, value in
                !exactNames.contains(name) || !hasReplacement(value)
            } ?? true
        } && !hasReplacement(object["body"] ?? .null)
    }

    /// Whether text was replaced. The recursion is as deep as the parser allowed.
    static func hasReplacement(_ value: WireValue) -> Bool {
        switch value {
        case .string(let text): text.unicodeScalars.contains("\u{fffd}")
        case .array(let values): values.contains { hasReplacement($0) }
        case .object(let object):
            object.contains { key, value in key.unicodeScalars.contains("\u{fffd}") || hasReplacement(value) }
        default: false
        }
    }

    /// Reads a parsed envelope.
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
        // Python treats null as the default exchange, and fails if the key is missing.
        case .null?: ""
        default: throw .malformed("properties.delivery_info.exchange", "must be text")
        }
    }

    /// Reads text, or an integer, which Python's Redis client writes as text.
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

    /// A restore on Redis marks the headers and the delivery info, other transports mark the envelope itself.
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

/// The properties that `MessageProperties` and `KombuEnvelope` have fields for.
enum KombuProperty {
    case correlationID, replyTo, deliveryMode, priority, expiration, messageID, timestamp, type, userID, appID
    case deliveryInfo, bodyEncoding, deliveryTag

    /// Finds the property with a name; `nil` for one that goes into `other`.
    init?(_ name: String) {
        switch name.utf8.count {
        case 4 where name == "type": self = .type
        case 6 where name == "app_id": self = .appID
        case 7 where name == "user_id": self = .userID
        case 8 where name == "reply_to": self = .replyTo
        case 8 where name == "priority": self = .priority
        case 9 where name == "timestamp": self = .timestamp
        case 10 where name == "expiration": self = .expiration
        case 10 where name == "message_id": self = .messageID
        case 12 where name == "delivery_tag": self = .deliveryTag
        case 13 where name == "delivery_mode": self = .deliveryMode
        case 13 where name == "delivery_info": self = .deliveryInfo
        case 13 where name == "body_encoding": self = .bodyEncoding
        case 14 where name == "correlation_id": self = .correlationID
        default: return nil
        }
    }
}

extension MessageProperties {
    /// Reads a property. A value that does not have AMQP's type goes into `other` unchanged, as kombu would pass it on.
    mutating func read(_ property: KombuProperty, _ name: String, _ value: WireValue) {
        switch (property, value) {
        case (_, .null): return
        case (.correlationID, .string(let text)): correlationID = text
        case (.replyTo, .string(let text)): replyTo = text
        case (.expiration, .string(let text)): expiration = text
        case (.messageID, .string(let text)): messageID = text
        case (.type, .string(let text)): type = text
        case (.userID, .string(let text)): userID = text
        case (.appID, .string(let text)): appID = text
        case (.deliveryMode, _):
            deliveryMode = value.wholeNumber.flatMap { UInt8(exactly: $0) }
            if deliveryMode == nil { other[name] = value }
        case (.priority, _):
            priority = value.wholeNumber.flatMap { UInt8(exactly: $0) }
            if priority == nil { other[name] = value }
        case (.timestamp, _):
            timestamp = value.wholeNumber.flatMap { UInt64(exactly: $0) }
            if timestamp == nil { other[name] = value }
        default: other[name] = value
        }
    }
}
