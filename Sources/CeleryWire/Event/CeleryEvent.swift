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
