/// What a worker asks of a broker when it begins to consume.
public struct ConsumerOptions: Sendable {
    /// The queues, in the order of preference. Their names differ.
    public var queues: [TaskQueue]
    /// How many messages the worker wants to hold unsettled at most.
    public var prefetch: Int
    /// The worker's node name, `name@host`.
    public var nodeName: String

    /// Creates options.
    public init(queues: [TaskQueue], prefetch: Int, nodeName: String) {
        self.queues = queues
        self.prefetch = prefetch
        self.nodeName = nodeName
    }
}

/// One worker's hold on its queues, from the first message to the last settlement.
///
/// **Order of calls.** The worker calls ``next(atMost:)`` again and again, never twice at the same time. While it waits,
/// and while deliveries run, it calls the other methods from any task: ``settle(_:)``, ``hold(_:)``, ``isHeld(_:)``,
/// ``markBegun(_:)``, ``addQueue(_:)`` and ``removeQueue(_:)``. To end it calls ``stop()``, gives back what it has not
/// begun, settles what it has, and calls ``close()`` last and once, after ``next(atMost:)`` has returned.
///
/// **Nothing is lost.** A message stays with the broker, or in a place from which another worker restores it, until it is
/// acknowledged, rejected or parked. A consumer that dies with its process leaves every message that it held to others.
///
/// **Lost connections.** A consumer reconnects by itself and keeps what it claimed where the transport allows that. Where
/// it does not, ``isHeld(_:)`` becomes false and the broker delivers the message again.
///
/// **Cancellation.** A consumer is ended by ``stop()``. Cancelling a task that calls it must not lose a message: what a
/// claim in flight takes, it returns or gives back.
public protocol MessageConsumer: Sendable {
    /// Waits until there is a message and returns at most `limit` of them.
    ///
    /// - Parameter limit: how many messages the worker has room for, 1 or more.
    /// - Returns: at least one delivery, or none if ``stop()`` was called.
    /// - Throws: an error when the consumer gave up, for instance since the server does not accept its login any more. The
    ///   worker then ends. A broker that is out of reach is no reason to throw: the consumer tries again.
    func next(atMost limit: Int) async throws -> [Delivery]

    /// Whether a delivery is still this worker's: false once a lost connection has given it back, so that it comes again.
    /// The worker does not begin a delivery that is not held. It answers at once.
    func isHeld(_ receipt: Receipt) -> Bool

    /// Marks deliveries as begun, so that a transport can count how often a message was begun rather than delivered.
    ///
    /// The worker calls it before the handler begins, and only for deliveries whose ``Delivery/redelivered`` is true.
    ///
    /// - Throws: an error when the mark could not be made. The handler begins nevertheless.
    func markBegun(_ receipts: [Receipt]) async throws

    /// Settles deliveries, all in one round trip. Each is settled once; a receipt that is not held is skipped.
    ///
    /// - Throws: an error when a settlement did not reach the broker or was refused. The others were carried out. A consumer
    ///   whose claims outlive its connection remembers how such a delivery ended: it never gives it back, and tries once
    ///   more in ``close()``.
    func settle(_ settlements: [Settlement]) async throws

    /// Tells how many messages the worker holds beside its prefetch, so that a broker that counts them can let others
    /// through: messages that wait for their time, and those by which the worker's window has grown. Negative where the
    /// window shrank.
    func hold(_ count: Int) async throws

    /// Gives back deliveries that were not begun, to the front of where they came from and in the order in which they came,
    /// so that others serve them at once. After ``stop()`` it also gives back what came and was never taken: `receipts`
    /// may be empty then.
    func giveBack(_ receipts: [Receipt]) async throws

    /// Begins to consume one more queue, which is made if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    func addQueue(_ queue: TaskQueue) async throws

    /// Stops consuming a queue. What was taken from it stays claimed and is settled as before.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    func removeQueue(_ name: String) async throws

    /// Stops taking messages: a waiting ``next(atMost:)`` returns no delivery, at once. What was claimed stays claimed.
    ///
    /// Once it has returned, no message comes to this worker any more, not even one that it gives back.
    func stop() async

    /// Stops, settles what could not be settled before, gives back everything else in its order, and closes the connection.
    ///
    /// - Throws: an error when not everything was settled or given back; others restore the rest where the transport
    ///   allows that. The consumer is closed in any case.
    func close() async throws
}

extension MessageConsumer {
    /// Does nothing: a broker that is asked for each message does not count those that wait.
    public func hold(_ count: Int) async throws {}

    /// True: what is claimed stays claimed.
    public func isHeld(_ receipt: Receipt) -> Bool { true }

    /// Does nothing: this transport does not count beginnings.
    public func markBegun(_ receipts: [Receipt]) async throws {}

    /// Refuses.
    public func addQueue(_ queue: TaskQueue) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Refuses.
    public func removeQueue(_ name: String) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Requeues the deliveries.
    public func giveBack(_ receipts: [Receipt]) async throws {
        try await settle(receipts.map { Settlement($0, .requeue) })
    }
}
