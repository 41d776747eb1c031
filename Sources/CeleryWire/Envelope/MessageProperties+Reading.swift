import CeleriacWire

extension MessageProperties {
    /// Reads a property. One of another type than AMQP has for it is kept in `other`, as it came: kombu carries it on.
    mutating func read(_ property: KombuProperty, _ name: String, _ value: WireValue) {
        switch (property, value) {
        case (_, .null): break
        case (.correlationID, .string(let text)): correlationID = text
        case (.replyTo, .string(let text)): replyTo = text
        case (.expiration, .string(let text)): expiration = text
        case (.messageID, .string(let text)): messageID = text
        case (.type, .string(let text)): type = text
        case (.userID, .string(let text)): userID = text
        case (.appID, .string(let text)): appID = text
        case (.deliveryMode, _): keep(value, name, value.wholeNumber.flatMap { UInt8(exactly: $0) }, in: \.deliveryMode)
        case (.priority, _): keep(value, name, value.wholeNumber.flatMap { UInt8(exactly: $0) }, in: \.priority)
        case (.timestamp, _): keep(value, name, value.wholeNumber.flatMap { UInt64(exactly: $0) }, in: \.timestamp)
        default: other[name] = value
        }
    }

    private mutating func keep<Number>(
        _ value: WireValue, _ name: String, _ number: Number?, in path: WritableKeyPath<Self, Number?>
    ) {
        if let number {
            self[keyPath: path] = number
        } else {
            other[name] = value
        }
    }
}
