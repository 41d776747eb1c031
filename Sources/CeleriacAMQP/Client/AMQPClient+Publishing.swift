#if AMQP

internal import CeleriacCore
import CeleriacWire

extension AMQPClient {
    /// Declares the queues of messages, then publishes them. If a queue was deleted meanwhile, the broker returns its
    /// messages; this then declares the queue again and publishes them once more. So it does for an exchange that is gone,
    /// for instance because the connection leads to another broker of the list now.
    ///
    /// Messages to named exchanges are published separately, because a missing exchange fails everything published
    /// along with it.
    ///
    /// - Parameters:
    ///   - messages: The messages, in order.
    ///   - declare: Declares what the messages at these indices need; `anew` is true for those that are published once
    ///     more.
    /// - Returns: The messages that failed.
    package func publish(
        _ messages: [AMQPPublish], declare: (_ indices: [Int], _ anew: Bool) async throws(AMQPError) -> Void
    ) async -> AMQPPublishFailures {
        var failures = AMQPPublishFailures()
        var outstanding = Array(messages.indices)
        for isLastTry in [false, true] {
            var again: [Int] = []
            for isToQueues in [true, false] {
                let part = outstanding.filter { messages[$0].exchange.isEmpty == isToQueues }
                if part.isEmpty { continue }
                do throws(AMQPError) {
                    try await declare(part, isLastTry)
                    for (index, outcome) in zip(part, try await publish(part.map { messages[$0] })) {
                        if case .returned = outcome, !isLastTry {
                            again.append(index)
                        } else if let error = outcome.error {
                            failures.add(error, at: index, isAnswer: true)
                        }
                    }
                } catch {
                    for index in part {
                        if !isLastTry, error.isMissing(exchange: messages[index].exchange) {
                            again.append(index)
                        } else {
                            failures.add(error, at: index, isAnswer: false)
                        }
                    }
                }
            }
            outstanding = again
        }
        return failures
    }
}

extension AMQPError {
    /// Whether the broker says that there is no exchange of this name: what was sent to it has arrived nowhere.
    fileprivate func isMissing(exchange: String) -> Bool {
        code == .channelClosedByServer && replyCode == 404 && replyText?.contains("no exchange '\(exchange)'") == true
    }
}

/// The messages of a publication that failed, by their index in it.
package struct AMQPPublishFailures: Sendable {
    /// Messages that the broker refused.
    package private(set) var refused: [Int: AMQPError] = [:]
    /// Messages without an answer. The broker may have accepted them.
    package private(set) var unknown: [Int: AMQPError] = [:]

    /// Creates a record without failures.
    package init() {}

    /// Records that a message failed. `isAnswer` tells a refusal by the broker from a missing answer.
    package mutating func add(_ error: AMQPError, at index: Int, isAnswer: Bool) {
        if isAnswer { refused[index] = error } else { unknown[index] = error }
    }

    /// Throws the error for the publisher of `count` messages.
    ///
    /// - Throws: Nothing if the broker accepted all messages, ``PartialPublishError`` if it accepted some, otherwise
    ///   ``CeleriacError`` with code `unavailable` or `publishFailed`.
    package func check(of count: Int, at broker: String) throws {
        let failure = { (error: AMQPError) in
            CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed,
                "\(count.counting("message was", "messages were")) not confirmed by \(broker)",
                cause: error)
        }
        try PartialPublishError.check(
            refused: refused.mapValues(failure), unknown: unknown.mapValues(failure), of: count)
    }
}

#endif
