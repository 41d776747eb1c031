public import CeleriacWire

/// Something that happened at a worker or client, as it is told to monitors.
public struct CeleryEvent: Sendable, Hashable {
    /// What happened: `task-received`, `worker-heartbeat`, …; see ``Kind``.
    public var kind: Kind
    /// The node name of who tells it.
    public var nodeName: String
    /// Hours west of UTC that the sender's clock on the wall is; -2 in Berlin's summer.
    public var utcOffset: Double
    /// The process that tells it.
    public var processID: Int
    /// The sender's logical clock; nil for one that was told without it.
    public var clock: Int64?
    /// When it happened, in seconds since 1970.
    public var timestamp: Double
    /// What else is told, depending on the kind.
    public var fields: WireObject

    /// Makes an event.
    public init(
        _ kind: Kind, nodeName: String, utcOffset: Double, processID: Int, clock: Int64?, timestamp: Double,
        fields: WireObject
    ) {
        self.kind = kind
        self.nodeName = nodeName
        self.utcOffset = utcOffset
        self.processID = processID
        self.clock = clock
        self.timestamp = timestamp
        self.fields = fields
    }

    /// The kind of an event. Applications may send kinds of their own.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The kind as the wire spells it.
        public var rawValue: String

        /// A kind by its spelling.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The kind as the wire spells it.
        public var description: String { rawValue }

        /// The routing key under which one event of this kind is published: dots instead of dashes.
        public var routingKey: String { rawValue.replacing("-", with: ".") }

        /// A client has sent a task.
        public static let taskSent = Kind(rawValue: "task-sent")
        /// A worker has a task.
        public static let taskReceived = Kind(rawValue: "task-received")
        /// A worker runs a task.
        public static let taskStarted = Kind(rawValue: "task-started")
        /// A task has ended with a result.
        public static let taskSucceeded = Kind(rawValue: "task-succeeded")
        /// A task has failed.
        public static let taskFailed = Kind(rawValue: "task-failed")
        /// A task has failed and was sent again.
        public static let taskRetried = Kind(rawValue: "task-retried")
        /// A task was withdrawn or has expired.
        public static let taskRevoked = Kind(rawValue: "task-revoked")
        /// A task has refused its message.
        public static let taskRejected = Kind(rawValue: "task-rejected")
        /// A worker has started.
        public static let workerOnline = Kind(rawValue: "worker-online")
        /// A worker lives.
        public static let workerHeartbeat = Kind(rawValue: "worker-heartbeat")
        /// A worker stops.
        public static let workerOffline = Kind(rawValue: "worker-offline")
    }
}

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
