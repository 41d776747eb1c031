#if AMQP
import CeleriacCore
import CeleriacWire

/// Celery's native delayed delivery: the levels in which RabbitMQ keeps tasks until shortly before their times, under
/// kombu's names and with its arguments, so that Python's and our clients and workers share them.
///
/// A level is a queue whose messages all stay for 2^n seconds, and a topic exchange that lets a message into the queue,
/// or past it to the next lower level, by a bit of the message's routing key, the highest first. What has passed all
/// levels comes to an exchange to which those of the queues are bound by the end of the key.
enum NativeDelay {
    /// What there must be at the broker.
    enum Declaration: Hashable {
        /// A durable topic exchange.
        case exchange(String)
        /// A durable queue.
        case queue(String, arguments: WireObject)
        case queueBinding(String, exchange: String, routingKey: String)
        case exchangeBinding(String, source: String, routingKey: String)
    }

    /// How many levels there are.
    static let count = 28
    /// The longest delay, in seconds: about eight and a half years.
    static let longest = 1 << count - 1
    /// The exchange below the lowest level.
    static let delivery = "celery_delayed_delivery"
    /// The exchange to which tasks are sent.
    static let entry = name(count - 1)

    /// The name of a level's exchange, and of its queue.
    static func name(_ level: Int) -> String { "celery_delayed_\(level)" }

    /// The levels' queues, from the top.
    static let queues = (0..<count).reversed().map { name($0) }

    // MARK: Messages

    /// How many whole seconds to delay a task whose time is this far away; nil if that is less than one. The worker
    /// waits for what is left, since the message says the time, too.
    ///
    /// A countdown of whole seconds keeps its number, as in Celery, although a moment has passed since it began.
    static func delay(before seconds: Double) -> Int? {
        let seconds = seconds + 0.05
        return seconds >= 1 ? Int(min(seconds, Double(longest))) : nil
    }

    /// The routing key of a task: the bits of its delay, and the key with which it would be sent at once. Nil for an
    /// empty key, and if AMQP's 255 bytes are too few.
    static func routingKey(delay: Int, key: String) -> String? {
        let key = withoutDelay(key)
        if key.isEmpty { return nil }
        let bits = (0..<count).reversed().map { delay >> $0 & 1 == 1 ? "1" : "0" }
        let whole = (bits + [key]).joined(separator: ".")
        return whole.utf8.count <= 255 ? whole : nil
    }

    /// A routing key without the bits that it got before: Python's workers retry a task by the key that it came with.
    static func withoutDelay(_ key: String) -> String {
        let beginning = Array(key.utf8.prefix(2 * count))
        let isDelay =
            beginning.count == 2 * count
            && beginning.enumerated().allSatisfy { index, byte in
                index.isMultiple(of: 2)
                    ? byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") : byte == UInt8(ascii: ".")
            }
        return isDelay ? String(decoding: key.utf8.dropFirst(2 * count), as: UTF8.self) : key
    }

    // MARK: Declarations

    /// The levels, from the bottom, so that a message always finds the next one.
    static func levels(_ type: CeleryAMQPOptions.DelayQueueType) -> [Declaration] {
        var declarations = [Declaration.exchange(delivery)]
        for level in 0..<count {
            let own = name(level)
            let next = level > 0 ? name(level - 1) : delivery
            declarations += [
                .exchange(own), .queue(own, arguments: arguments(level, type, to: next)),
                .queueBinding(own, exchange: own, routingKey: pattern(level, stays: true)),
                .exchangeBinding(next, source: own, routingKey: pattern(level, stays: false)),
            ]
        }
        return declarations
    }

    private static func arguments(
        _ level: Int, _ type: CeleryAMQPOptions.DelayQueueType, to exchange: String
    ) -> WireObject {
        var arguments: WireObject = [
            "x-queue-type": .string(type.rawValue), "x-overflow": "reject-publish",
            "x-message-ttl": .int(1000 << Int64(level)), "x-dead-letter-exchange": .string(exchange),
        ]
        if type == .quorum { arguments["x-dead-letter-strategy"] = "at-least-once" }
        return arguments
    }

    /// The pattern of the tasks that stay in a level, or of those that pass it.
    private static func pattern(_ level: Int, stays: Bool) -> String {
        (Array(repeating: "*", count: count - 1 - level) + [stays ? "1" : "0", "#"]).joined(separator: ".")
    }

    /// How tasks that have passed the levels come to a queue; nothing if they cannot.
    static func bindings(of queue: TaskQueue) -> [Declaration] {
        guard let binding = queue.bindings.first else { return [] }
        let (exchange, key) = (binding.exchange, pattern(of: binding.routingKey))
        let onward = Declaration.exchangeBinding(exchange.name, source: delivery, routingKey: key)
        // Python's clients use the levels for such a queue, too. Its own binding compares the headers there; one more without
        // any would take every message of the exchange.
        if exchange.type == "headers" {
            return exchange.name.isEmpty || !queue.isDeclared || queue.isAutoDeleted ? [] : [onward]
        }
        return reaches(queue) ? [onward, .queueBinding(queue.name, exchange: exchange.name, routingKey: key)] : []
    }

    /// The pattern of the tasks that come back by a queue's routing key.
    static func pattern(of routingKey: String) -> String {
        routingKey.hasPrefix("#") ? routingKey : "#." + routingKey
    }

    /// Whether our tasks can come to a queue by the levels. A direct exchange would compare the whole key, one of headers
    /// none of it, so that others may get the task, and the queue of one worker's own may be gone by then.
    static func reaches(_ queue: TaskQueue) -> Bool {
        guard let exchange = queue.bindings.first?.exchange, !exchange.name.isEmpty, queue.isDeclared else {
            return false
        }
        return exchange.type == "topic" || exchange.type == "fanout" && !queue.isAutoDeleted
    }
}
#endif
