public import CeleriacWire

/// Something that happened at a worker or a client, as it is reported to monitors.
public struct CeleryEvent: Sendable, Hashable {
    /// What happened, for instance `task-received`.
    public var kind: Kind
    /// The node name of the sender.
    public var nodeName: String
    /// How many hours the sender's local time is behind UTC: -2 in Berlin in summer.
    public var utcOffset: Double
    /// The process id of the sender.
    public var processID: Int
    /// The sender's logical clock; `nil` if the event has none.
    public var clock: Int64?
    /// When it happened, in seconds since 1970.
    public var timestamp: Double
    /// Other fields, which depend on the kind.
    public var fields: WireObject

    /// Creates an event.
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
        /// The name on the wire.
        public var rawValue: String

        /// Creates a kind with its name on the wire.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The name on the wire.
        public var description: String { rawValue }

        /// The routing key of a single event of this kind: its name with dots instead of dashes.
        public var routingKey: String { rawValue.replacing("-", with: ".") }

        /// A client sent a task.
        public static let taskSent = Kind(rawValue: "task-sent")
        /// A worker received a task.
        public static let taskReceived = Kind(rawValue: "task-received")
        /// A worker began to run a task.
        public static let taskStarted = Kind(rawValue: "task-started")
        /// A task returned a result.
        public static let taskSucceeded = Kind(rawValue: "task-succeeded")
        /// A task failed.
        public static let taskFailed = Kind(rawValue: "task-failed")
        /// A task failed and was sent again.
        public static let taskRetried = Kind(rawValue: "task-retried")
        /// A task was revoked or had expired.
        public static let taskRevoked = Kind(rawValue: "task-revoked")
        /// A task rejected its message.
        public static let taskRejected = Kind(rawValue: "task-rejected")
        /// A worker cancelled a task whose message it had lost.
        public static let taskCancelled = Kind(rawValue: "task-cancelled")
        /// A worker started.
        public static let workerOnline = Kind(rawValue: "worker-online")
        /// A worker is alive.
        public static let workerHeartbeat = Kind(rawValue: "worker-heartbeat")
        /// A worker is stopping.
        public static let workerOffline = Kind(rawValue: "worker-offline")
    }
}

extension CeleryEvent {
    /// The exchange of events: a topic exchange in AMQP, a fanout exchange elsewhere.
    public static let exchange = "celeryev"
    /// The routing key of a batch of events about tasks.
    public static let batchRoutingKey = "task.multi"

    /// The object on the wire, with its keys in Celery's order.
    package var wireValue: WireValue {
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

    /// The message of this single event, byte for byte as Celery writes it.
    ///
    /// - Throws: `CeleryWireError.Code.unrepresentable` for fields that JSON cannot carry.
    public func encode() throws(CeleryWireError) -> WireMessage {
        try encode(as: .json)
    }

    /// The same in another form: Celery's `event_serializer`.
    package func encode(as serializer: CelerySerializer) throws(CeleryWireError) -> WireMessage {
        try .encoded(wireValue, as: serializer, headers: ["hostname": .string(nodeName)], deliveryMode: 1)
    }

    /// The message of a batch of events of one node, byte for byte as Celery writes it.
    ///
    /// - Throws: What ``encode()`` throws.
    public static func encode(batch events: [CeleryEvent], nodeName: String) throws(CeleryWireError) -> WireMessage {
        try encode(batch: events, nodeName: nodeName, as: .json)
    }

    /// The same in another form: Celery's `event_serializer`.
    package static func encode(
        batch events: [CeleryEvent], nodeName: String, as serializer: CelerySerializer
    ) throws(CeleryWireError) -> WireMessage {
        try .encoded(
            .array(events.map(\.wireValue)), as: serializer, headers: ["hostname": .string(nodeName)],
            deliveryMode: 1)
    }

    /// Reads a message with a single event or a batch.
    ///
    /// - Throws: `CeleryWireError`: `malformedEvent` for anything that is not an event, and what decoding a body
    ///   throws.
    public static func decode(
        _ message: WireMessage, limits: WireLimits = .default
    ) throws(CeleryWireError) -> [CeleryEvent] {
        var events: [CeleryEvent] = []
        for value in try objects(in: message, limits: limits) {
            guard let event = CeleryEvent(.object(value)) else {
                throw CeleryWireError(.malformedEvent, "an event must be an object with a type and a timestamp")
            }
            events.append(event)
        }
        return events
    }

    /// Reads the events of a message as they stand there, which monitors show whole.
    ///
    /// - Throws: `CeleryWireError`: `malformedEvent` for anything that is not an object, and what decoding a body throws.
    package static func objects(
        in message: WireMessage, limits: WireLimits = .default
    ) throws(CeleryWireError) -> [WireObject] {
        let body = try CelerySerializer.accepted(message.properties.contentType, in: [.json, .msgpack, .yaml])
            .decode(message.body, limits: limits)
        var objects: [WireObject] = []
        for value in body.arrayValue ?? [body] {
            guard let object = value.objectValue else {
                throw CeleryWireError(.malformedEvent, "an event must be an object with a type and a timestamp")
            }
            objects.append(object)
        }
        return objects
    }

    /// Reads the object; `nil` for any other value.
    package init?(_ value: WireValue) {
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
