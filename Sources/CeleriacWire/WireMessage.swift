/// A message on any transport: headers, properties and a body.
///
/// In AMQP 0-9-1 these are the `application-headers` table, the basic properties and the content body. On transports
/// that have no properties (Redis lists, files) an envelope carries the same three parts.
public struct WireMessage: Sendable, Hashable {
    /// The header table.
    public var headers: WireObject
    /// The basic properties.
    public var properties: MessageProperties
    /// The body exactly as it is on the wire: serialized, and compressed if a header says so.
    public var body: [UInt8]

    /// Creates a message from its three parts.
    public init(headers: WireObject = [:], properties: MessageProperties = MessageProperties(), body: [UInt8] = []) {
        self.headers = headers
        self.properties = properties
        self.body = body
    }
}

/// The basic properties of a message, under the names of AMQP 0-9-1.
///
/// A property that the message does not have is `nil`.
public struct MessageProperties: Sendable, Hashable {
    /// The MIME type of the body, for instance `application/json`.
    public var contentType: String?
    /// The encoding of the body, for instance `utf-8` or `binary`.
    public var contentEncoding: String?
    /// 1 for a message that lives in memory only, 2 for a persistent one.
    public var deliveryMode: UInt8?
    /// The priority, 0 to 255.
    public var priority: UInt8?
    /// What ties a reply to its request. Celery puts the task's id here.
    public var correlationID: String?
    /// Where replies go. Celery's rpc result store publishes results to this queue.
    public var replyTo: String?
    /// The time to live in milliseconds, as decimal text.
    public var expiration: String?
    /// The application's id of the message.
    public var messageID: String?
    /// The application's timestamp, in seconds since 1970.
    public var timestamp: UInt64?
    /// The application's type of the message.
    public var type: String?
    /// The user id, which RabbitMQ validates.
    public var userID: String?
    /// The id of the application that made the message.
    public var appID: String?
    /// Further properties, which only envelopes can carry, for instance `periodic_task_name`. AMQP drops them.
    public var other: WireObject

    /// Creates properties. The ones that are not given are absent.
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
