#if AMQP
import CeleriacWire

/// The levels in which RabbitMQ keeps messages until shortly before their times.
///
/// A level is a queue whose messages all stay for 2^n seconds, and a topic exchange that lets a message into the queue,
/// or past it to the next lower level, by a bit of the message's routing key. So a message stays for the sum of its
/// bits. No message has a time to live of its own, which RabbitMQ would heed only at the head of a queue.
///
/// Below the levels each queue that messages come back to has one of ours, which gives them their last routing key: the
/// queue's name, as if they had been sent there. Python's workers retry a task by the routing key that it came with.
enum DelayLevels {
    /// How many levels there are.
    static let count = 28
    /// The longest delay, in seconds: about eight and a half years.
    static let longest = 1 << count - 1
    /// The topic exchange below the lowest level.
    static let end = "celeriac.delay"

    /// How the names of all other exchanges and queues begin.
    static let prefix = end + "."

    /// The name of a level's exchange, and of its queue.
    static func name(_ level: Int) -> String { "\(prefix)\(level)" }

    /// The name of the last queue before a queue that messages come back to.
    static func last(before queue: String) -> String { "\(prefix)to.\(queue)" }

    // MARK: Times

    /// How many whole seconds to delay a message whose time is this far away: a bit less, since every level takes a
    /// moment. Nil if that is less than a second.
    static func delay(before seconds: Double) -> Int? {
        guard seconds >= 2 else { return nil }
        return Int(min(seconds, Double(longest) + 1)) - 1
    }

    /// The highest level that keeps a message for its delay, which is 1 or more.
    static func top(of delay: Int) -> Int { Int.bitWidth - 1 - max(1, delay).leadingZeroBitCount }

    // MARK: Routing

    /// The routing key of a message: the bits of its delay, the lowest first, and its queue. Nil if the name of the
    /// queue is too long for it; AMQP allows 255 bytes.
    static func routingKey(delay: Int, queue: String) -> String? {
        let bits = (0..<count).map { delay >> $0 & 1 == 1 ? "1" : "0" }
        let key = (bits + [word(queue)]).joined(separator: ".")
        return key.utf8.count <= 255 && last(before: queue).utf8.count <= 255 ? key : nil
    }

    /// The pattern of the messages that stay in a level, or of those that pass it.
    static func pattern(_ level: Int, stays: Bool) -> String {
        (Array(repeating: "*", count: level) + [stays ? "1" : "0", "#"]).joined(separator: ".")
    }

    /// The pattern of the messages that go back to a queue.
    static func pattern(of queue: String) -> String {
        (Array(repeating: "*", count: count) + [word(queue)]).joined(separator: ".")
    }

    /// The name of a queue without what a pattern would take for a wildcard.
    private static func word(_ queue: String) -> String {
        guard queue.utf8.contains(where: { "%*#".utf8.contains($0) }) else { return queue }
        return queue.reduce(into: "") { word, character in
            switch character {
            case "%": word += "%25"
            case "*": word += "%2A"
            case "#": word += "%23"
            default: word.append(character)
            }
        }
    }

    // MARK: Declarations

    /// The arguments of a level's queue.
    static func arguments(_ level: Int) -> WireObject {
        arguments(milliseconds: 1000 << Int64(level), to: level > 0 ? name(level - 1) : end)
    }

    /// The arguments of the last queue before a queue.
    static func lastArguments(before queue: String) -> WireObject {
        var arguments = arguments(milliseconds: 1, to: "")
        arguments["x-dead-letter-routing-key"] = .string(queue)
        return arguments
    }

    /// A quorum queue alone keeps a message until the next queue has it: others may lose messages on their way.
    private static func arguments(milliseconds: Int64, to exchange: String) -> WireObject {
        [
            "x-queue-type": "quorum", "x-message-ttl": .int(milliseconds), "x-dead-letter-exchange": .string(exchange),
            "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
        ]
    }
}
#endif
