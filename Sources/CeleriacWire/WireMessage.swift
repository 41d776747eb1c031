/// A message as every transport knows it: headers, properties and a body of bytes.
///
/// On AMQP 0-9-1 these are the `application-headers` table, the basic properties and the content body. On transports
/// without properties of their own (Redis lists, files) a dialect's envelope carries the same three parts.
public struct WireMessage: Sendable, Hashable {
    /// The header table.
    public var headers: WireObject
    /// The basic properties.
    public var properties: MessageProperties
    /// The body, exactly as it stands on the wire: serialized, and compressed where a header says so.
    public var body: [UInt8]

    /// Makes a message of its three parts.
    public init(headers: WireObject = [:], properties: MessageProperties = MessageProperties(), body: [UInt8] = []) {
        self.headers = headers
        self.properties = properties
        self.body = body
    }
}

/// The basic properties of a message, named as AMQP 0-9-1 names them.
///
/// A property that a message does not carry is `nil`.
public struct MessageProperties: Sendable, Hashable {
    /// MIME type of the body, for instance `application/json`.
    public var contentType: String?
    /// Encoding of the body, for instance `utf-8` or `binary`.
    public var contentEncoding: String?
    /// 1: kept in memory only; 2: persistent.
    public var deliveryMode: UInt8?
    /// Priority, 0 to 255.
    public var priority: UInt8?
    /// Ties a reply to its request. Celery puts the task's id here.
    public var correlationID: String?
    /// Where replies go. Celery's rpc result store publishes results to this queue.
    public var replyTo: String?
    /// Time to live as decimal text, in milliseconds.
    public var expiration: String?
    /// Application's message id.
    public var messageID: String?
    /// Application's time stamp, in seconds since 1970.
    public var timestamp: UInt64?
    /// Application's message type.
    public var type: String?
    /// Validated user id.
    public var userID: String?
    /// Id of the application that made the message.
    public var appID: String?
    /// Further properties, which only envelopes can carry (`delivery_info`, `periodic_task_name`, …). AMQP drops them.
    public var other: WireObject

    /// Makes properties; all are absent unless given.
    public init(
        contentType: String? = nil,
        contentEncoding: String? = nil,
        deliveryMode: UInt8? = nil,
        priority: UInt8? = nil,
        correlationID: String? = nil,
        replyTo: String? = nil,
        expiration: String? = nil,
        other: WireObject = [:]
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.deliveryMode = deliveryMode
        self.priority = priority
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.expiration = expiration
        self.other = other
    }
}
