/// A consumer whose broker keeps the messages that it has delivered where the consumer can read them again.
///
/// A worker that waits for the time of a task then need not keep its message in memory: it lets the message go, keeps the
/// receipt, and recalls the message shortly before the time. The worker holds the delivery meanwhile: the consumer renews
/// its claim, and gives it back like any other (``MessageConsumer/giveBack(_:)``). The worker does not settle it, nor mark
/// it as begun, before it has recalled it.
package protocol PayloadKeepingConsumer: MessageConsumer {
    /// Forgets the messages of deliveries, but not the deliveries. The method answers at once, without I/O, and skips
    /// receipts that the consumer does not hold.
    func letGo(_ receipts: [Receipt])

    /// Reads messages again that were let go, all in one round trip. From then on the consumer has them as if it had just
    /// delivered them.
    ///
    /// - Returns: for each receipt, in order, its delivery; nil if the worker no longer holds it, because another one has
    ///   restored the message. The consumer then does not know the receipt any more.
    /// - Throws: an error when the broker did not answer. The consumer knows the deliveries as before, and the worker tries
    ///   again.
    func recall(_ receipts: [Receipt]) async throws -> [Delivery?]

    /// Reads messages that were let go, for somebody who asks what the worker holds. The consumer forgets them again.
    ///
    /// - Returns: for each receipt, in order, its delivery, whose attempts need not be right; nil for what cannot be read.
    /// - Throws: an error when the broker did not answer.
    func look(at receipts: [Receipt]) async throws -> [Delivery?]
}
