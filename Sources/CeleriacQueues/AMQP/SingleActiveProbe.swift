#if AMQP
import CeleriacAMQP
import CeleriacWire

/// Finds out whether a queue that exists has a single active consumer, which AMQP has no question for.
///
/// RabbitMQ compares a declaration with the queue, and says in its refusal how they differ. The declaration gives the
/// argument a value of a type that it cannot have: no queue is equal to it, and RabbitMQ makes none of it if the queue has
/// been deleted meanwhile. Where something else differs first, the next declaration has that as the queue has it.
struct SingleActiveProbe: Sendable {
    /// What a refusal says.
    enum Answer: Equatable, Sendable {
        case isSingle(Bool)
        /// Something else differs, which the next declaration has right.
        case another
        case unknown
    }

    /// The queue's argument. It cannot be set by a policy.
    static let argument = "x-single-active-consumer"
    /// How many declarations are worth their lines in the server's log.
    static let limit = 12

    private(set) var isDurable = true
    private(set) var isAutoDeleted = false
    private(set) var arguments: WireObject

    /// Begins with the arguments that the queue is thought to have.
    init(arguments: WireObject) {
        self.arguments = arguments
        self.arguments[Self.argument] = "unknown"
    }

    /// Reads how the broker refused the declaration.
    mutating func read(_ error: AMQPError) -> Answer {
        guard error.code == .channelClosedByServer, error.replyCode == 406,
            let difference = QueueDifference(error.replyText ?? "")
        else { return .unknown }
        switch difference.argument {
        case Self.argument: return .isSingle(difference.value == "true")
        case "durable": isDurable = difference.value == "true"
        case "auto_delete": isAutoDeleted = difference.value == "true"
        default:
            let value = difference.wireValue(like: arguments[difference.argument])
            // It would be refused for the same difference again.
            if value == arguments[difference.argument] { return .unknown }
            arguments[difference.argument] = value
        }
        return .another
    }
}

/// In what a queue differs from its declaration, by RabbitMQ's words.
struct QueueDifference: Equatable {
    let argument: String
    /// What the queue has; nil if it has nothing.
    let value: String?
    /// RabbitMQ's name of the value's type; nil where it is that of the declaration's.
    let type: String?

    /// Reads the text of a refusal; nil if it is another one, or was cut off because the queue's name is long.
    init?(_ text: String) {
        let beginning = "inequivalent arg '"
        let turn = " but current is "
        guard let start = text.firstRange(of: beginning)?.upperBound,
            let end = text[start...].firstIndex(of: "'"),
            let found = text.ranges(of: turn).last?.upperBound
        else { return nil }
        argument = String(text[start..<end])
        var current = text[found...]
        if current == "none" {
            value = nil
            type = nil
            return
        }
        if current.hasPrefix("the value ") { current = current.dropFirst("the value ".count) }
        guard current.count >= 2, current.first == "'", current.last == "'" else { return nil }
        current = current.dropFirst().dropLast()
        if let middle = current.firstRange(of: "' of type '") {
            value = String(current[..<middle.lowerBound])
            type = String(current[middle.upperBound...])
        } else {
            value = String(current)
            type = nil
        }
    }

    /// The queue's value as it is declared, of the type that RabbitMQ names or else of another value.
    func wireValue(like other: WireValue?) -> WireValue? {
        guard let value else { return nil }
        switch type {
        case "longstr"?: return .string(value)
        case "bool"?: return .bool(value == "true")
        case .some:
            guard let number = Int64(value) else { return .string(value) }
            return .int(number)
        case nil:
            if case .int? = other, let number = Int64(value) { return .int(number) }
            if case .bool? = other { return .bool(value == "true") }
            return .string(value)
        }
    }
}

extension AMQPConnection {
    /// Asks whether a queue that exists has a single active consumer.
    ///
    /// - Parameters:
    ///   - queue: the queue.
    ///   - arguments: the arguments that it is thought to have.
    /// - Returns: whether it has; nil if the broker does not say: it may be no RabbitMQ, or the user may have no right to
    ///   configure the queue.
    nonisolated func hasSingleActiveConsumer(_ queue: String, arguments: WireObject) async -> Bool? {
        // Another broker might make a queue of what RabbitMQ refuses.
        guard await server.product == "RabbitMQ" else { return nil }
        var probe = SingleActiveProbe(arguments: arguments)
        for _ in 0..<SingleActiveProbe.limit {
            let question = probe
            do throws(AMQPError) {
                try await withChannel { channel throws(AMQPError) in
                    _ = try await channel.queueDeclare(
                        queue, durable: question.isDurable, autoDelete: question.isAutoDeleted,
                        arguments: question.arguments)
                }
                return nil
            } catch {
                switch probe.read(error) {
                case .isSingle(let isSingle): return isSingle
                case .another: continue
                case .unknown: return nil
                }
            }
        }
        return nil
    }
}
#endif
