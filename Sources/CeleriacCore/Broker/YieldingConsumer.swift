/// A consumer that can give messages back behind all others of their queues.
///
/// A worker has room for so many messages that it cannot run. If more than that were always at the front, it would
/// never reach those behind them that it can run.
package protocol YieldingConsumer: MessageConsumer {
    /// Gives back deliveries that were not begun, to the ends of their queues. It counts no attempt.
    ///
    /// - Throws: an error when something was not given back, or when it went back to the front. The worker tries again
    ///   while it runs, and leaves the rest to `close()`; the consumer skips a receipt that it does not hold.
    func giveBackToEnd(_ receipts: [Receipt]) async throws
}
