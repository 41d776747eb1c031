public import CeleriacWire

extension CeleryEvent {
    /// The exchange that events are published to: a topic exchange on AMQP, fan-out elsewhere.
    public static let exchange = "celeryev"
    /// The routing key of a batch of events about tasks.
    public static let batchRoutingKey = "task.multi"

    /// The object on the wire, its keys in Celery's order.
    public var wireValue: WireValue {
        var object = WireObject(minimumCapacity: fields.count + 6)
        object["hostname"] = .string(nodeName)
        object["utcoffset"] = .double(utcOffset)
        object["pid"] = .int(Int64(processID))
        object["clock"] = clock.map { .int($0) } ?? .null
        for (name, value) in fields { object[name] = value }
        object["timestamp"] = .double(timestamp)
        object["type"] = .string(kind.rawValue)
        return .object(object)
    }

    /// Makes the message of this one event, byte for byte as Celery does.
    ///
    /// - Throws: `CeleryWireError.Code.unrepresentable` for fields that JSON cannot carry.
    public func encode() throws(CeleryWireError) -> WireMessage {
        try .json(wireValue, headers: ["hostname": .string(nodeName)], deliveryMode: 1)
    }

    /// Makes the message of a batch of events of one node, byte for byte as Celery does.
    ///
    /// - Throws: As ``encode()``.
    public static func encode(batch events: [CeleryEvent], nodeName: String) throws(CeleryWireError) -> WireMessage {
        try .json(
            .array(events.map(\.wireValue)), headers: ["hostname": .string(nodeName)], deliveryMode: 1)
    }

    /// Reads the one event, or the batch of them, of a message.
    ///
    /// - Throws: `CeleryWireError`: `malformedEvent` for what is no event, and what decoding a body throws.
    public static func decode(
        _ message: WireMessage, limits: WireLimits = .default
    ) throws(CeleryWireError) -> [CeleryEvent] {
        let body = try CelerySerializer.accepted(message.properties.contentType, in: [.json, .msgpack, .yaml])
            .decode(message.body, limits: limits)
        var events: [CeleryEvent] = []
        for value in body.arrayValue ?? [body] {
            guard let event = CeleryEvent(value) else {
                throw CeleryWireError(.malformedEvent, "an event is an object with a type and a time")
            }
            events.append(event)
        }
        return events
    }

    /// Reads the object; nil for a value that is none.
    public init?(_ value: WireValue) {
        guard case .object(var fields) = value, let kind = fields.removeValue(forKey: "type")?.stringValue,
            let timestamp = fields.removeValue(forKey: "timestamp")?.doubleValue
        else { return nil }
        let nodeName = fields.removeValue(forKey: "hostname")?.stringValue ?? ""
        let utcOffset = fields.removeValue(forKey: "utcoffset")?.doubleValue ?? 0
        let processID = fields.removeValue(forKey: "pid")?.wholeNumber ?? 0
        let clock = fields.removeValue(forKey: "clock")?.wholeNumber
        self.init(
            Kind(rawValue: kind), nodeName: nodeName, utcOffset: utcOffset, processID: processID,
            clock: clock.map { Int64($0) }, timestamp: timestamp, fields: fields)
    }
}
