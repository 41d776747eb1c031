public import CeleriacWire

/// The JSON object in which kombu carries a message over transports that have no properties of their own: Redis lists and
/// channels, files, SQL rows.
public struct KombuEnvelope: Sendable, Hashable {
    /// The message: headers, properties and body, as AMQP would carry them.
    public var message: WireMessage
    /// The exchange the message was published to; empty for the default exchange.
    public var exchange: String
    /// The routing key it was published with; on the default exchange, the name of the queue.
    public var routingKey: String
    /// The key under which Redis workers keep the message until it is acknowledged. It must be unique per queue.
    public var deliveryTag: String
    /// How the body stands in the envelope.
    public var bodyEncoding: KombuBodyEncoding
    /// Whether the message was delivered before and given back.
    public var redelivered: Bool

    /// Makes an envelope to publish.
    public init(
        message: WireMessage,
        exchange: String = "",
        routingKey: String,
        deliveryTag: String,
        bodyEncoding: KombuBodyEncoding = .base64,
        redelivered: Bool = false
    ) {
        self.message = message
        self.exchange = exchange
        self.routingKey = routingKey
        self.deliveryTag = deliveryTag
        self.bodyEncoding = bodyEncoding
        self.redelivered = redelivered
    }

    /// The priority as kombu's virtual transports clamp it: 0 to 9, and 0 where the message has none. On Redis the lower
    /// number is served first.
    public var priority: Int {
        min(Int(message.properties.priority ?? 0), 9)
    }
}

/// How the body stands in a kombu envelope: its property `body_encoding`.
public enum KombuBodyEncoding: Sendable, Hashable {
    /// As base64; kombu's default.
    case base64
    /// As the text that it is. On the wire an absent or null property, or `utf-8`.
    case text
}

extension KombuEnvelope {
    /// The same envelope with kombu's marks of a message that is given back, in its headers and its delivery info.
    ///
    /// All else stays as it came, parts that are unknown here too: whoever gets the message next may know them.
    ///
    /// - Throws: `CeleryWireError.Code.malformedEnvelope` for what ``decode(_:limits:)`` refuses.
    public static func markedRedelivered(
        _ bytes: [UInt8], limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        let value: WireValue
        do throws(WireError) {
            value = try WireJSON.decode(bytes, limits: limits)
        } catch {
            throw CeleryWireError(.malformedEnvelope, "the envelope is not JSON", cause: error)
        }
        _ = try KombuEnvelope(value)
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
            return try WireJSON.encode(.object(envelope), style: .python, nonFinite: .allow)
        } catch {
            throw CeleryWireError(.unrepresentable, "the envelope cannot be written as JSON", cause: error)
        }
    }
}
