/// One worker's hold on its queues, from the first message to the last settlement.
///
/// A consumer lives through lost connections: it reconnects by itself and keeps what it claimed where the transport
/// allows that.
public protocol MessageConsumer: Sendable {
    /// Waits until there is a message and returns at most `limit` of them.
    ///
    /// - Parameter limit: how many messages the worker has room for, 1 or more.
    /// - Returns: at least one delivery, or none if ``stop()`` was called.
    /// - Throws: an error when the broker cannot be reached any more and the consumer gave up.
    func next(atMost limit: Int) async throws -> [Delivery]

    /// Whether a delivery is still this worker's: false once a lost connection has given it back, so that it comes again.
    /// A job that has not begun by then is not run for it.
    func isHeld(_ receipt: Receipt) -> Bool

    /// Notes that handlers begin to run deliveries which have been delivered before, so that the transport can count how
    /// often each has begun. Called before the handlers begin, and only for such deliveries.
    ///
    /// - Throws: an error when it cannot be noted. The handlers begin all the same.
    func markBegun(_ receipts: [Receipt]) async throws

    /// Settles deliveries, all in one round trip.
    ///
    /// A receipt of a connection that is lost is skipped where the broker has taken its message back already.
    func settle(_ settlements: [Settlement]) async throws

    /// Tells how many messages the worker holds beside its prefetch, so that a broker which counts them can let others
    /// through: those that wait for their time, and those by which its window has grown; fewer than none where it shrank.
    func hold(_ count: Int) async throws

    /// Gives back deliveries that were not begun, to where they came from and in the order given, so that others serve
    /// them at once. Once ``stop()`` has returned, also what came and was never taken: then there may be no receipts.
    func giveBack(_ receipts: [Receipt]) async throws

    /// Consumes one more queue, which is made if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    func addQueue(_ queue: String) async throws

    /// Consumes a queue no more. What was taken from it stays claimed.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    func removeQueue(_ queue: String) async throws

    /// Stops taking messages: a waiting ``next(atMost:)`` returns no delivery, at once. What was claimed stays claimed.
    ///
    /// Once it has returned no message comes to this worker any more, not even one that it gives back.
    func stop() async

    /// Gives back everything that is not settled, in its order, and ends.
    func close() async throws
}

extension MessageConsumer {
    /// Does nothing: a broker that is asked for each message counts none that waits.
    public func hold(_ count: Int) async throws {}

    /// True: what is claimed stays claimed.
    public func isHeld(_ receipt: Receipt) -> Bool { true }

    /// Does nothing.
    public func markBegun(_ receipts: [Receipt]) async throws {}

    /// Refuses.
    public func addQueue(_ queue: String) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Refuses.
    public func removeQueue(_ queue: String) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Requeues the deliveries.
    public func giveBack(_ receipts: [Receipt]) async throws {
        try await settle(receipts.map { Settlement($0, .requeue) })
    }
}
