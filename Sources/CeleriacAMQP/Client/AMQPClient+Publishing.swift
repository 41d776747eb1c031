#if AMQP

internal import CeleriacCore

extension AMQPClient {
    /// Publishes messages whose queues are made first. A queue that was deleted behind our back returns its messages: it is
    /// made anew, once.
    ///
    /// What goes to named exchanges is published apart: one that does not exist fails everything that is published with it.
    ///
    /// - Parameter declare: makes what these messages need, by their indices; `anew` where they came back.
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

    /// Makes an account of a publication that failed nowhere yet.
    package init() {}

    /// Enters what became of a message.
    package mutating func add(_ error: AMQPError, at index: Int, isAnswer: Bool) {
        if isAnswer { refused[index] = error } else { unknown[index] = error }
    }

    /// Tells the publisher of `count` messages.
    ///
    /// - Throws: nothing where the broker took all, ``PartialPublishError`` where it took some, else ``CeleriacError`` with
    ///   code `unavailable` or `publishFailed`.
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
