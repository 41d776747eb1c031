#if AMQP
import CeleriacAMQP
import CeleriacWire

/// Where a message was when its worker moved it to a level, and what of it must not travel as it is.
///
/// It travels in a header. A worker that knows the header sees the message as it was before.
struct MessageOrigin: Equatable {
    static let header = "x-celeriac-origin"

    let queue: String
    let exchange: String
    let routingKey: String
    /// How often the message was moved.
    let moves: Int
    /// The headers that RabbitMQ would act on: copies would go to the addressees of `CC`, and a message that a record
    /// of its deaths shows to go round in circles is dropped.
    private let headers: WireObject
    /// RabbitMQ refuses the name of any user but the one that publishes.
    private let userID: String?
    /// The message would leave a level when it expires.
    private let expiration: String?

    /// Reads the origin of a message that has come back to a queue; nil if it comes there for the first time.
    init?(_ message: WireMessage, in queue: String) {
        guard let fields = message.headers[Self.header], fields["queue"]?.stringValue == queue,
            let exchange = fields["exchange"]?.stringValue, let routingKey = fields["routing_key"]?.stringValue
        else { return nil }
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        moves = min(max(1, fields["moves"]?.intValue ?? 1), 1_000_000)
        headers = fields["headers"]?.objectValue ?? [:]
        userID = fields["user_id"]?.stringValue
        expiration = fields["expiration"]?.stringValue
    }

    /// Notes where a delivery is, unless it has come back, and takes out what must not travel.
    ///
    /// - Parameters:
    ///   - delivery: the delivery.
    ///   - queue: the queue that it came from.
    /// - Returns: the message as it is to travel.
    static func departure(of delivery: AMQPDelivery, from queue: String) -> WireMessage {
        let earlier = MessageOrigin(delivery.message, in: queue)
        let isFromCompanion = delivery.routingKey == RedeliveredMessage.companion(of: queue)
        return departure(
            of: earlier?.restored(delivery.message) ?? delivery.message,
            exchange: earlier?.exchange ?? delivery.exchange,
            routingKey: earlier?.routingKey ?? (isFromCompanion ? queue : delivery.routingKey),
            moves: (earlier?.moves ?? 0) + 1, from: queue)
    }

    /// Notes where a message was published to and takes out what must not travel.
    static func departure(
        of message: WireMessage, exchange: String, routingKey: String, moves: Int, from queue: String
    ) -> WireMessage {
        var message = message
        // What the broker counts there, it counts for one queue.
        for name in [Self.header, "x-delivery-count", "x-acquired-count"] { message.headers[name] = nil }
        let headers = message.headers.filter { isBrokers($0.key) }
        for (name, _) in headers { message.headers[name] = nil }
        var fields: WireObject = [
            "queue": .string(queue), "exchange": .string(exchange), "routing_key": .string(routingKey),
            "moves": .int(Int64(moves)),
        ]
        if !headers.isEmpty { fields["headers"] = .object(headers) }
        if let userID = message.properties.userID { fields["user_id"] = .string(userID) }
        if let expiration = message.properties.expiration { fields["expiration"] = .string(expiration) }
        message.properties.userID = nil
        message.properties.expiration = nil
        message.headers[Self.header] = .object(fields)
        return message
    }

    /// The message as it was before it was moved.
    func restored(_ message: WireMessage) -> WireMessage {
        var message = message
        for (name, _) in message.headers where name == Self.header || Self.isBrokers(name) {
            message.headers[name] = nil
        }
        for (name, value) in headers { message.headers[name] = value }
        message.properties.userID = userID
        message.properties.expiration = expiration
        return message
    }

    private static func isBrokers(_ header: String) -> Bool {
        ["CC", "BCC", "x-death"].contains(header) || header.hasPrefix("x-first-death-")
            || header.hasPrefix("x-last-death-")
    }
}

extension AMQPDelivery {
    /// The message as it was before any worker moved it.
    func original(in queue: String, origin: MessageOrigin?) -> WireMessage {
        // What a level needed comes off first: the broker's records of deaths are then those from before it.
        let restored = origin?.restored(message) ?? message
        return message.isMoved ? restored.unmoved(queue: queue) : restored
    }
}

extension WireValue {
    /// About how many bytes the value takes in a table of AMQP.
    var tableSize: Int {
        switch self {
        case .string(let text): 5 + text.utf8.count
        case .bytes(let bytes): 5 + bytes.count
        case .array(let values): values.reduce(5) { $0 + $1.tableSize }
        case .object(let object): object.reduce(5) { $0 + 1 + $1.key.utf8.count + $1.value.tableSize }
        default: 16
        }
    }
}
#endif
