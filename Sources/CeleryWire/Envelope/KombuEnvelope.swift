public import CeleriacWire

/// The JSON object in which kombu carries a message on transports without properties: Redis lists and channels, files,
/// SQL rows.
public struct KombuEnvelope: Sendable, Hashable {
    /// The message, with headers, properties and body as in AMQP.
    public var message: WireMessage
    /// The exchange that the message was published to; empty for the default exchange.
    public var exchange: String
    /// The routing key that the message was published with; on the default exchange the name of the queue.
    public var routingKey: String
    /// The key under which Redis workers keep the message until it is acknowledged. It must be unique per queue.
    public var deliveryTag: String
    /// How the envelope carries the body.
    package var bodyEncoding: KombuBodyEncoding
    /// Whether the message was delivered before and given back.
    public var redelivered: Bool

    /// Creates an envelope to publish.
    public init(
        message: WireMessage, exchange: String = "", routingKey: String, deliveryTag: String, redelivered: Bool = false
    ) {
        self.init(
            message: message, exchange: exchange, routingKey: routingKey, deliveryTag: deliveryTag,
            bodyEncoding: .base64, redelivered: redelivered)
    }

    package init(
        message: WireMessage, exchange: String = "", routingKey: String, deliveryTag: String,
        bodyEncoding: KombuBodyEncoding, redelivered: Bool = false
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.deliveryTag = deliveryTag
        self.bodyEncoding = bodyEncoding
        self.redelivered = redelivered
    }

    /// The priority as kombu's virtual transports limit it: 0 to 9, and 0 if the message has none. Redis workers take
    /// lower numbers first.
    public var priority: Int {
        min(Int(message.properties.priority ?? 0), 9)
    }
}

/// How a kombu envelope carries the body: its property `body_encoding`.
package enum KombuBodyEncoding: Sendable, Hashable {
    /// As base64, kombu's default.
    case base64
    /// As plain text. On the wire the property is absent, null or `utf-8`.
    case text
}

extension KombuEnvelope {
    /// Marks an envelope as given back, in its headers and its delivery info as kombu does.
    ///
    /// Everything else stays as it was, even unknown parts, which the next receiver may understand. An envelope with half a
    /// surrogate pair, which cannot be written anew, is marked in front of all its parts, as kombu does on other transports.
    ///
    /// - Throws: `CeleryWireError.Code.malformedEnvelope` for what ``decode(_:limits:)`` refuses.
    package static func markedRedelivered(
        _ bytes: [UInt8], limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        let (value, isWhole) = try parse(bytes, limits: limits)
        let read = try KombuEnvelope(value)
        if !isWhole, let brace = bytes.firstIndex(of: UInt8(ascii: "{")) {
            return read.redelivered
                ? bytes : bytes[...brace] + Array(#""redelivered": true, "#.utf8) + bytes[(brace + 1)...]
        }
        guard case .object(var envelope) = value, case .object(var properties)? = envelope["properties"],
            case .object(var info)? = properties["delivery_info"]
        else {
            throw CeleryWireError(.malformedEnvelope, "an envelope must be a JSON object")
        }
        if case .object(var headers)? = envelope["headers"] {
            headers["redelivered"] = true
            envelope["headers"] = .object(headers)
        }
        info["redelivered"] = true
        properties["delivery_info"] = .object(info)
        envelope["properties"] = .object(properties)
        do throws(WireError) {
            return try WireJSON.encode(
                .object(envelope), style: .python, nonFinite: .allow, maximumDepth: limits.maximumDepth)
        } catch {
            throw CeleryWireError(.unrepresentable, "the envelope cannot be written as JSON", cause: error)
        }
    }
}
