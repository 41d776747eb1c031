#if AMQP
import CeleriacAMQP
import CeleriacWire

/// Finds out whether a queue that exists can be consumed, without taking a message from it. AMQP has no question for that.
///
/// RabbitMQ looks at the user's rights and at whose queue it is, and then at the consumer's arguments, of which it refuses one
/// whose type is wrong. The probe has such an argument behind those that are meant: if the refusal names that one, a
/// consumer without it is not refused. Only that another consumer has the queue for itself does not show.
enum ConsumptionProbe {
    /// How a queue can be consumed.
    enum Answer: Equatable, Sendable {
        case asUsual
        /// On a channel that has no limit as a whole: RabbitMQ 3 says so of quorum queues and streams.
        case withoutLimitOfChannel
    }

    /// The last of the arguments that RabbitMQ checks for queues of all types.
    static let argument = "x-cancel-on-ha-failover"

    /// The arguments of the probe: those that are meant, and its own.
    static func arguments(beside meant: WireObject) -> WireObject {
        var arguments = meant
        arguments[argument] = "unknown"
        return arguments
    }

    /// Reads how the broker refused the probe; nil if it would refuse a consumer as well.
    static func read(_ error: AMQPError) -> Answer? {
        guard error.code == .channelClosedByServer, error.replyCode == 406, let text = error.replyText,
            text.contains("invalid arg '\(argument)'")
        else { return nil }
        // The text is cut off where the queue's name is long.
        let isOtherType = ["rabbit_quorum_queue", "rabbit_stream_queue"].contains {
            text.hasSuffix("of queue type \($0)")
        }
        return isOtherType ? .withoutLimitOfChannel : .asUsual
    }
}

extension AMQPConnection {
    /// Asks how a queue that exists can be consumed, on a channel that is opened for that.
    ///
    /// - Parameters:
    ///   - queue: the queue.
    ///   - arguments: the arguments with which it is to be consumed.
    /// - Returns: how, as far as the broker says it.
    /// - Throws: the broker's refusal, or why it does not answer.
    nonisolated func probeConsumption(
        of queue: String, arguments: WireObject
    ) async throws(AMQPError) -> ConsumptionProbe.Answer {
        // Another broker might let the probe consume.
        guard await server.product == "RabbitMQ" else { return .asUsual }
        let probe = ConsumptionProbe.arguments(beside: arguments)
        do throws(AMQPError) {
            try await withChannel { channel throws(AMQPError) in
                // If a later version ignores the argument, one message comes, and goes back when the channel closes.
                try await channel.qos(prefetchCount: 1)
                _ = try await channel.consume(queue: queue, arguments: probe) { _ in }
            }
            return .asUsual
        } catch {
            guard let answer = ConsumptionProbe.read(error) else { throw error }
            return answer
        }
    }
}
#endif
