#if AMQP
internal import CeleriacCore

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
