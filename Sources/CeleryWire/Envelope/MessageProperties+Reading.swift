import CeleriacWire

extension MessageProperties {
    /// Reads a property. One of another type than AMQP has for it is kept in `other`, as it came: kombu carries it on.
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
