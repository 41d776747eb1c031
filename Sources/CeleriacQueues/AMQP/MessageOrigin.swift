#if AMQP
import CeleriacAMQP
import CeleriacWire

import struct FoundationEssentials.Date

/// Where a message was when its worker published it anew, and what of it must not travel as it is.
///
/// It travels in a header. A worker that knows the header sees the message as it was before. RabbitMQ would act on the
/// rest, so Python's and Go's workers see a message that was sent to its queue alone.
struct MessageOrigin: Equatable {
    /// Where a message goes that is published anew.
    enum Destination {
        /// To a level, where it waits for its time. What comes back is another message than the one that was moved.
        case level
        /// To the companion of its queue.
        case companion
        /// Back to its queue, where it may still expire.
        case queue
    }

    static let header = "x-celeriac-origin"
    /// How the headers begin in which RabbitMQ records the first of a message's deaths, and the last.
    fileprivate static let (firstDeath, lastDeath) = ("x-first-death-", "x-last-death-")

    let queue: String
    let exchange: String
    let routingKey: String
    /// How often the message was moved to a level.
    let moves: Int
    /// The headers that RabbitMQ would act on: copies would go to the addressees of `CC`, and a message that a record
    /// of its deaths shows to go round in circles is dropped.
    private let headers: WireObject
    /// RabbitMQ refuses the name of any user but the one that publishes.
    private let userID: String?
    /// When the message expires, in milliseconds since 1970. It would leave a level then.
    private let expires: Int64?

    /// Reads the origin of a message that has come back to a queue; nil if it comes there for the first time.
    init?(_ message: WireMessage, in queue: String) {
        guard let fields = message.headers[Self.header], fields["queue"]?.stringValue == queue,
            let exchange = fields["exchange"]?.stringValue, let routingKey = fields["routing_key"]?.stringValue
        else { return nil }
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        moves = min(max(0, fields["moves"]?.intValue ?? 0), 1_000_000)
        headers = fields["headers"]?.objectValue ?? [:]
        userID = fields["user_id"]?.stringValue
        expires = fields["expires"]?.intValue.map { min(max(0, Int64($0)), 253_402_300_799_000) }
    }

    // MARK: Going

    /// Notes where a delivery is, unless it has come back, and takes out what must not travel.
    ///
    /// - Parameters:
    ///   - delivery: the delivery.
    ///   - queue: the queue that it came from.
    ///   - destination: where it goes.
    ///   - now: the time.
    /// - Returns: the message as it is to travel.
    static func departure(
        of delivery: AMQPDelivery, from queue: String, to destination: Destination, now: Date = Date()
    ) -> WireMessage {
        let earlier = MessageOrigin(delivery.message, in: queue)
        let isFromCompanion = delivery.routingKey == RedeliveredMessage.companion(of: queue)
        return departure(
            of: earlier?.restored(delivery.message, now: now) ?? delivery.message,
            exchange: earlier?.exchange ?? delivery.exchange,
            routingKey: earlier?.routingKey ?? (isFromCompanion ? queue : delivery.routingKey),
            moves: (earlier?.moves ?? 0) + (destination == .level ? 1 : 0), expires: earlier?.expires, from: queue,
            to: destination, now: now)
    }

    /// Notes where a message was published to and takes out what must not travel.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - exchange: the exchange to which it was published.
    ///   - routingKey: the routing key with which it was published.
    ///   - moves: how often it was moved to a level.
    ///   - expires: when it expires, in milliseconds since 1970; nil if its whole time is before it.
    ///   - queue: the queue that it came from.
    ///   - destination: where it goes.
    ///   - now: the time.
    /// - Returns: the message as it is to travel.
    static func departure(
        of message: WireMessage, exchange: String, routingKey: String, moves: Int, expires: Int64? = nil,
        from queue: String, to destination: Destination, now: Date = Date()
    ) -> WireMessage {
        // What the broker counts there, it counts for one queue.
        var message = message.uncounted()
        message.headers[Self.header] = nil
        let headers = message.headers.filter { isBrokers($0.key) }
        for (name, _) in headers { message.headers[name] = nil }
        var fields: WireObject = [
            "queue": .string(queue), "exchange": .string(exchange), "routing_key": .string(routingKey),
            "moves": .int(Int64(moves)),
        ]
        if !headers.isEmpty { fields["headers"] = .object(headers) }
        if let userID = message.properties.userID { fields["user_id"] = .string(userID) }
        if let expires = expires ?? time(after: message.properties.expiration, now) {
            fields["expires"] = .int(expires)
        }
        message.properties.userID = nil
        if destination != .queue { message.properties.expiration = nil }
        message.headers[Self.header] = .object(fields)
        return message
    }

    // MARK: Coming back

    /// The message as it was before it was published anew, with what is left of its time.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - now: the time.
    /// - Returns: the message for its worker.
    func restored(_ message: WireMessage, now: Date = Date()) -> WireMessage {
        var message = message
        message.headers[Self.header] = nil
        message.forgetDeaths { $0 == RedeliveredMessage.companion(of: queue) || $0.hasPrefix(DelayLevels.prefix) }
        // Its first death came before; its last one may have come since then.
        if headers.contains(where: { $0.key.hasPrefix(Self.firstDeath) }) {
            message.headers = message.headers.filter { !$0.key.hasPrefix(Self.firstDeath) }
        }
        let hasDiedSince = message.headers.contains { $0.key.hasPrefix(Self.lastDeath) }
        for (name, value) in headers where !(hasDiedSince && name.hasPrefix(Self.lastDeath)) {
            let deaths = name == "x-death" ? message.headers[name]?.arrayValue ?? [] : []
            message.headers[name] = deaths.isEmpty ? value : .array(deaths + (value.arrayValue ?? []))
        }
        message.properties.userID = userID ?? message.properties.userID
        if let expires { message.properties.expiration = String(max(0, expires - Self.milliseconds(now))) }
        return message
    }

    private static func isBrokers(_ header: String) -> Bool {
        ["CC", "BCC", "x-death"].contains(header) || header.hasPrefix(firstDeath) || header.hasPrefix(lastDeath)
    }

    // MARK: Time

    /// When a message expires that has its whole time before it. RabbitMQ does not tell how long it has waited.
    private static func time(after expiration: String?, _ now: Date) -> Int64? {
        // Ten years are for ever.
        expiration.flatMap { Int64($0) }.map { milliseconds(now) + min(max(0, $0), 315_360_000_000) }
    }

    private static func milliseconds(_ date: Date) -> Int64 {
        Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded()) ?? 0
    }
}

extension WireMessage {
    /// Removes the broker's records of the message's deaths in some queues, and keeps those in all others.
    fileprivate mutating func forgetDeaths(in isForgotten: (String) -> Bool) {
        if let deaths = headers["x-death"]?.arrayValue {
            let kept = deaths.filter { !isForgotten($0["queue"]?.stringValue ?? "") }
            headers["x-death"] = kept.isEmpty ? nil : .array(kept)
        }
        for prefix in [MessageOrigin.firstDeath, MessageOrigin.lastDeath] {
            guard let queue = headers[prefix + "queue"]?.stringValue, isForgotten(queue) else { continue }
            for (name, _) in headers where name.hasPrefix(prefix) { headers[name] = nil }
        }
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
