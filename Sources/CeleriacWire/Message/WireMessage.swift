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
