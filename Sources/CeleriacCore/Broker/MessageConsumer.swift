/// What a worker asks of a broker when it begins to consume.
public struct ConsumerOptions: Sendable {
    /// The queues in order of preference, each with a different name.
    public var queues: [TaskQueue]
    /// How many messages the worker wants to hold unsettled at most.
    public var prefetch: Int
    /// The worker's node name, `name@host`.
    public var nodeName: String
    /// Counts attempts where the broker cannot; nil if the worker's result store cannot either.
    package var attemptCounter: (any AttemptCounter)?
    /// What becomes of what the worker cannot run.
    package var parkingPolicy = ParkingPolicy()
    /// After how many counted beginnings the worker parks a message.
    package var maximumAttempts = 5
    /// Whom the consumer tells what its log tells of connections.
    package var news = ConsumerNews()
    /// How the names of the consumer's claims begin where claims have names, so that ``ClaimReturningBroker`` finds them
    /// again. No two consumers may have the same; nil for a random one.
    package var claimPrefix: String?

    /// Creates options.
    public init(queues: [TaskQueue], prefetch: Int, nodeName: String) {
        self.queues = queues
        self.prefetch = prefetch
        self.nodeName = nodeName
    }
}

/// Whom a consumer tells of its connection, besides its log. Brokers of users tell nobody.
package struct ConsumerNews: Sendable {
    /// Called when the connection is lost, once or several times for one loss.
    package var isLost: (@Sendable (_ error: any Error) -> Void)?
    /// Called when the connection is back after it was lost.
    package var isBack: (@Sendable () -> Void)?
    /// Called when messages wait in a queue and none arrives.
    package var hasStalled: (@Sendable (_ queue: String) -> Void)?
    /// The broker has not answered that the stop was heard.
    package var isSilent: (@Sendable () -> Void)?

    /// Tells nobody.
    package init() {}
}

/// One worker's hold on its queues, from the first message to the last settlement.
///
/// **Order of calls.** The worker calls ``next(atMost:)`` again and again, one call at a time. To end, it calls
/// ``stop()`` once, then ``giveBack(_:)`` with what it has not begun, settles what it has, and calls ``close()`` once,
/// after ``next(atMost:)`` has returned and the last settlement is done. It calls ``close()`` even after
/// ``next(atMost:)`` threw. If a call outlasts the time that the worker has for its stop, it and the calls after it go
/// on in the background while the process lives.
///
/// **Concurrency.** While ``next(atMost:)`` waits and while deliveries run, the worker calls ``settle(_:)``,
/// ``giveBack(_:)``, ``hold(_:)``, ``isHeld(_:)``, ``hasLost(_:)``, ``markBegun(_:)``, ``catchUp()``, ``addQueue(_:)``
/// and ``removeQueue(_:)`` from any task, several at once. Only one ``settle(_:)`` is under way at a time. Remote
/// control may still call ``hold(_:)``, ``catchUp()``, ``addQueue(_:)`` and ``removeQueue(_:)`` after ``stop()`` or
/// ``close()``; they may throw then, and must not take a message.
///
/// **Nothing is lost.** A message stays with the broker, or in a place from which another worker restores it, until it
/// is acknowledged, rejected or parked. A consumer that dies with its process leaves every message that it held to
/// others.
///
/// **Lost connections.** A consumer reconnects by itself and keeps what it claimed where the transport allows that.
/// Where the transport does not, ``isHeld(_:)`` becomes false and the broker delivers the message again, with another
/// ``Receipt/generation`` and marked as ``Delivery/redelivered``.
///
/// **Redeliveries.** A redelivery of a task that still waits or runs in this worker, or whose settlement was lost, does
/// not begin the task again: the worker settles it when the task ends, or at once. It is the same message if it has the
/// same task id, the same number of retries and the same body, and if the earlier delivery is lost: that one has
/// another generation, or ``hasLost(_:)`` says so.
///
/// **Cancellation.** ``stop()`` ends a consumer; cancellation does not. A worker that is cancelled calls ``stop()``,
/// ``giveBack(_:)``, ``settle(_:)`` and ``close()`` from cancelled tasks, and they must work there. Nor may
/// cancellation lose a message: ``next(atMost:)`` returns or gives back whatever its claim in flight takes.
public protocol MessageConsumer: Sendable {
    /// Waits until there is a message and returns at most `limit` of them.
    ///
    /// - Parameter limit: how many messages the worker has room for, 1 or more.
    /// - Returns: at least one delivery, or none if ``stop()`` was called.
    /// - Throws: an error when the consumer gives up, for instance because the server no longer accepts its login. The
    ///   worker then stops and ends with the error. A broker that is out of reach is no reason to throw: the consumer
    ///   tries again.
    func next(atMost limit: Int) async throws -> [Delivery]

    /// Whether this worker still holds a delivery: false once a lost connection has given it back, so that it comes
    /// again. The worker does not begin a delivery that it no longer holds. The method answers at once, without I/O.
    func isHeld(_ receipt: Receipt) -> Bool

    /// Whether the broker has taken back a delivery of the current generation, for instance because its claim expired,
    /// although ``isHeld(_:)`` may still say otherwise. The worker asks when a redelivery looks like a message that it
    /// has. After the answer true the consumer need not know the delivery any more.
    func hasLost(_ receipt: Receipt) async -> Bool

    /// Marks deliveries as begun, so that a transport can count how often a message was begun rather than delivered.
    ///
    /// The worker calls it before the handler begins, or before it calls error callbacks of a message that it is about to
    /// park, and only for deliveries whose ``Delivery/redelivered`` is true. Several handlers may begin at the same time. A consumer may count by moving the message: it then no longer holds
    /// the delivery (``isHeld(_:)``), the handler does not begin, and the message is delivered again, counted.
    ///
    /// - Throws: an error when the mark could not be made. The handler begins nevertheless.
    func markBegun(_ receipts: [Receipt]) async throws

    /// What becomes of the messages that the worker would leave unsettled if its process ended now: how many there are,
    /// and who gets them when. It is for the log of a worker whose stop took too long; nil if the consumer cannot say.
    /// It answers at once, without I/O.
    var unsettledDescription: String? { get }

    /// Settles deliveries, all in one round trip. The worker settles each once; the consumer skips a receipt that it
    /// does not hold.
    ///
    /// - Throws: an error when a settlement did not reach the broker or was refused; the others were carried out. The
    ///   worker does not repeat the call. A consumer whose claims outlive its connection remembers how such a delivery
    ///   ended: it never gives the delivery back, and settles it once more in ``close()``.
    func settle(_ settlements: [Settlement]) async throws

    /// Tells the broker how many messages the worker may hold in addition to its prefetch, so that a broker that counts
    /// them can let others through: messages that wait for their time, and those by which the worker's window has
    /// grown. The count is negative if the window has shrunk.
    ///
    /// - Throws: an error when the consumer gives up. The worker then ends, as after ``next(atMost:)``.
    func hold(_ count: Int) async throws

    /// Gives back deliveries that were not begun, to the front of their queues and in the order in which they came, so
    /// that other workers serve them at once. The worker calls it when it stops, and before that for messages whose
    /// tasks it does not know, and for those that it has not begun when it pauses. It counts no attempt. After
    /// ``stop()`` the consumer also gives back what it received and ``next(atMost:)`` never returned; `receipts` may
    /// then be empty.
    ///
    /// - Throws: an error when something was not given back. The worker tries again while it runs, and leaves the rest
    ///   to ``close()``.
    func giveBack(_ receipts: [Receipt]) async throws

    /// Waits until the consumer has looked once at its queues and the worker has what was there, because it asks for
    /// more. Remote control calls it while the worker has room, so that a task that was sent before an inspection is in
    /// the inspection's answer. It must end when its task is cancelled, as it is after half a second.
    func catchUp() async

    /// Begins to consume one more queue, which the consumer makes if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it, or the broker's error.
    ///   Remote control reports it; the worker goes on.
    func addQueue(_ queue: TaskQueue) async throws

    /// Stops consuming a queue. Messages already taken from it stay claimed and are settled as usual.
    ///
    /// A worker that pauses while its result store is out of reach removes all its queues, gives back what
    /// ``next(atMost:)`` still returns, and adds the queues again. Where that throws, it does not call
    /// ``next(atMost:)`` meanwhile.
    ///
    /// - Throws: as ``addQueue(_:)``.
    func removeQueue(_ name: String) async throws

    /// Stops taking messages: a waiting ``next(atMost:)`` returns at once, without a delivery. Claimed messages stay
    /// claimed.
    ///
    /// Once it has returned, this worker gets no further message, not even one that it gives back.
    func stop() async

    /// Stops, settles what could not be settled before, gives back everything else in its order, and closes the
    /// connection.
    ///
    /// - Throws: an error when not everything was settled or given back; other workers restore the rest where the
    ///   transport allows that. The consumer is closed in any case, and the worker only logs the error.
    func close() async throws
}

extension MessageConsumer {
    /// Does nothing: a broker that the consumer asks for each message does not count those that wait.
    public func hold(_ count: Int) async throws {}

    /// True: claimed messages stay claimed.
    public func isHeld(_ receipt: Receipt) -> Bool { true }

    /// False: nothing is lost without its connection.
    public func hasLost(_ receipt: Receipt) async -> Bool { false }

    /// Does nothing: this transport does not count beginnings.
    public func markBegun(_ receipts: [Receipt]) async throws {}

    /// Nil.
    public var unsettledDescription: String? { nil }

    /// Returns at once.
    public func catchUp() async {}

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func addQueue(_ queue: TaskQueue) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func removeQueue(_ name: String) async throws {
        throw CeleriacError(.unsupported, "this transport cannot change its queues while it consumes")
    }

    /// Requeues the deliveries.
    public func giveBack(_ receipts: [Receipt]) async throws {
        try await settle(receipts.map { Settlement($0, .requeue) })
    }
}
