public import CeleriacWire

/// One worker's reply to a remote control request.
public struct CeleryControlReply: Sendable, Hashable {
    /// The name of the node that replies.
    public var nodeName: String
    /// The reply. An error is an object with the single key `error`.
    public var value: WireValue
    /// The ticket of the request.
    public var ticket: String?
    /// The sender's logical clock.
    public var clock: Int64

    /// Creates a reply.
    public init(nodeName: String, value: WireValue, ticket: String?, clock: Int64) {
        self.nodeName = nodeName
        self.value = value
        self.ticket = ticket
        self.clock = clock
    }

    /// The message, byte for byte as kombu writes it.
    ///
    /// - Parameter serializer: The form of the body, which `task_serializer` sets at Python's workers.
    /// - Returns: The message.
    /// - Throws: `CeleryWireError.Code.unrepresentable` for a value that the form cannot carry.
    public func encode(as serializer: CelerySerializer = .json) throws(CeleryWireError) -> WireMessage {
        try .encoded(
            .object([nodeName: value]), as: serializer,
            headers: ["ticket": ticket.map { .string($0) } ?? .null, "clock": .int(clock)], deliveryMode: 1)
    }

    /// Reads a reply, whose body has one of the accepted forms.
    ///
    /// - Throws: `CeleryWireError`: `malformedControl` for a body that is not a reply, and what decoding a body throws.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryControlReply {
        let body = try CelerySerializer.accepted(message.properties.contentType, in: accept)
            .decode(message.body, limits: limits)
        guard case .object(let object) = body, let (nodeName, value) = object.first, object.count == 1 else {
            throw .control("body", "must be an object with a single key, the name of the node")
        }
        return CeleryControlReply(
            nodeName: nodeName, value: value, ticket: message.headers["ticket"]?.stringValue,
            clock: message.headers["clock"]?.wholeNumber.map { Int64($0) } ?? 0)
    }
}
