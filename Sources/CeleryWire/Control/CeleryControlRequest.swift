public import CeleriacWire

/// A remote control command for workers, which kombu calls a pidbox message.
public struct CeleryControlRequest: Sendable, Hashable {
    /// The name of the command.
    public var method: String
    /// The arguments by name.
    public var arguments: WireObject
    /// The names of the nodes that the request addresses; `nil` for all nodes.
    public var destination: [String]?
    /// A pattern for the names of the nodes. Python workers ignore it without a ``matcher``.
    public var pattern: String?
    /// How ``pattern`` is read: `glob` or `pcre`.
    public var matcher: String?
    /// What the replies carry so that the sender recognizes them; `nil` if it wants none.
    public var ticket: String?
    /// Where replies go; `nil` if the sender wants none.
    public var replyTo: CeleryReplyAddress?
    /// The sender's logical clock.
    public var clock: Int64
    /// When the sender stops waiting, in seconds since 1970; 0 for never. Workers of Celery 5.7 ignore it.
    public var expires: Double

    /// Creates a request to all nodes.
    public init(_ method: String, arguments: WireObject = [:], clock: Int64 = 0, expires: Double = 0) {
        self.method = method
        self.arguments = arguments
        self.clock = clock
        self.expires = expires
    }
}

/// Where the reply to a remote control request goes.
public struct CeleryReplyAddress: Sendable, Hashable {
    /// The direct exchange, `reply.celery.pidbox`.
    public var exchange: String
    /// The routing key, which is the sender's id.
    public var routingKey: String

    /// Creates an address.
    public init(exchange: String, routingKey: String) {
        self.exchange = exchange
        self.routingKey = routingKey
    }
}

extension CeleryControlRequest {
    /// Reads a request, whose body has one of the accepted forms. Unknown parts are ignored.
    ///
    /// - Throws: `CeleryWireError`: `malformedControl` for a body that is not a request, and what decoding a body
    ///   throws.
    public static func decode(
        _ message: WireMessage, accept: Set<CelerySerializer> = [.json], limits: WireLimits = .default
    ) throws(CeleryWireError) -> CeleryControlRequest {
        let body = try CelerySerializer.accepted(message.properties.contentType, in: accept)
            .decode(message.body, limits: limits)
        guard case .object(let object) = body else { throw .control("body", "must be an object") }
        guard let method = object["method"]?.stringValue else { throw .control("method", "must be text") }
        var request = CeleryControlRequest(method)
        switch object["arguments"] {
        case .object(let arguments)?: request.arguments = arguments
        // Python treats anything empty as no arguments.
        case let value where value?.isTruthy != true: break
        default: throw .control("arguments", "must be an object")
        }
        switch object["destination"] {
        case .array(let names)?:
            // Python treats an empty list as all nodes.
            request.destination = names.isEmpty ? nil : names.compactMap(\.stringValue)
        case .string(let name)? where !name.isEmpty: request.destination = [name]
        case let value where value?.isTruthy != true: break
        default: throw .control("destination", "must be an array of node names")
        }
        request.pattern = object["pattern"]?.stringValue
        request.matcher = object["matcher"]?.stringValue
        request.ticket = object["ticket"]?.stringValue
        if let address = object["reply_to"], address.isTruthy {
            guard let exchange = address["exchange"]?.stringValue,
                let routingKey = address["routing_key"]?.stringValue
            else { throw .control("reply_to", "must have an exchange and a routing key") }
            request.replyTo = CeleryReplyAddress(exchange: exchange, routingKey: routingKey)
        }
        request.clock = message.headers["clock"]?.wholeNumber.map { Int64($0) } ?? 0
        request.expires = message.headers["expires"]?.doubleValue ?? 0
        return request
    }

    /// The message, byte for byte as kombu writes it.
    ///
    /// - Parameter serializer: The form of the body, which `task_serializer` sets at Python's clients.
    /// - Returns: The message.
    /// - Throws: `CeleryWireError.Code.unrepresentable` for arguments that the form cannot carry.
    public func encode(as serializer: CelerySerializer = .json) throws(CeleryWireError) -> WireMessage {
        var body: WireObject = [
            "method": .string(method), "arguments": .object(arguments),
            "destination": destination.map { .array($0.map { .string($0) }) } ?? .null,
            "pattern": pattern.map { .string($0) } ?? .null, "matcher": matcher.map { .string($0) } ?? .null,
        ]
        if let ticket { body["ticket"] = .string(ticket) }
        if let replyTo {
            body["reply_to"] = ["exchange": .string(replyTo.exchange), "routing_key": .string(replyTo.routingKey)]
        }
        return try .encoded(
            .object(body), as: serializer,
            headers: ["clock": .int(clock), "expires": expires == 0 ? 0 : .double(expires)], deliveryMode: 2)
    }
}

extension CeleryWireError {
    static func control(_ field: String, _ message: String) -> CeleryWireError {
        CeleryWireError(.malformedControl, message, field: field)
    }
}
