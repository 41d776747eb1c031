#if AMQP

internal import CeleriacCore

extension AMQPClient {
    /// Declares the queues of messages, then publishes them. If a queue was deleted meanwhile, the broker returns its
    /// messages; the queue is then declared again and they are published once more.
    ///
    /// Messages to named exchanges are published apart from the others, because an exchange that does not exist fails
    /// everything that is published with it.
    ///
    /// - Parameters:
    ///   - messages: The messages, in order.
    ///   - declare: Declares what the messages at these indices need; `anew` is true for messages that were returned.
    package func publish(
        _ messages: [AMQPPublish], declare: (_ indices: [Int], _ anew: Bool) async throws(AMQPError) -> Void
    ) async -> AMQPPublishFailures {
        var failures = AMQPPublishFailures()
        var outstanding = Array(messages.indices)
        for isLastTry in [false, true] {
            var returned: [Int] = []
            for isToQueues in [true, false] {
                let part = outstanding.filter { messages[$0].exchange.isEmpty == isToQueues }
                if part.isEmpty { continue }
                do throws(AMQPError) {
                    try await declare(part, isLastTry)
                    for (index, outcome) in zip(part, try await publish(part.map { messages[$0] })) {
                        if case .returned = outcome, !isLastTry {
                            returned.append(index)
                        } else if let error = outcome.error {
                            failures.add(error, at: index, isAnswer: true)
                        }
                    }
                } catch {
                    for index in part { failures.add(error, at: index, isAnswer: false) }
                }
            }
            outstanding = returned
        }
        return failures
    }
}

/// Which messages of a publication the broker did not take, by their index in it.
package struct AMQPPublishFailures: Sendable {
    /// Messages that the broker refused.
    package private(set) var refused: [Int: AMQPError] = [:]
    /// Messages whose answer did not arrive. They may have been taken.
    package private(set) var unknown: [Int: AMQPError] = [:]

    /// Makes an account without failures.
    package init() {}

    /// Records that a message failed; `isAnswer` tells a refusal by the broker from a missing answer.
    package mutating func add(_ error: AMQPError, at index: Int, isAnswer: Bool) {
        if isAnswer { refused[index] = error } else { unknown[index] = error }
    }

    /// Throws what the publisher of `count` messages has to know.
    ///
    /// - Throws: Nothing if the broker took all messages, ``PartialPublishError`` if it took some, else ``CeleriacError``
    ///   with the code `unavailable` or `publishFailed`.
    package func check(of count: Int, at broker: String) throws {
        let failure = { (error: AMQPError) in
            CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed,
                "\(count) message(s) were not confirmed by \(broker)",
                cause: error)
        }
        try PartialPublishError.check(
            refused: refused.mapValues(failure), unknown: unknown.mapValues(failure), of: count)
    }
}

#endif
