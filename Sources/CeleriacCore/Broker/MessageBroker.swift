public import CeleriacWire

/// Publishes messages to queues and consumes from them, in one dialect's layout.
///
/// Implement it to bring a transport of your own. ``name``, ``publish(_:)`` and ``consume(_:)`` are required.
/// Everything else has a default; the methods that look after queues throw ``CeleriacError`` with code `unsupported`.
///
/// **Order of calls.** A broker may be used from the moment it is made, in any order, until ``close()``, which comes
/// last. ``consume(_:)`` is called once for each worker, and again while it throws `unavailable`.
///
/// **Concurrency.** All methods may be called at the same time from any task. Messages of one ``publish(_:)`` keep
/// their order within a queue; two publications at the same time may interleave.
///
/// **Connections.** A broker connects on first use, and reconnects by itself after a loss. It never repeats a
/// publication whose answer was lost: the message may have been taken, so the caller decides.
///
/// **Cancellation.** ``publish(_:)`` and ``close()`` may be called from a cancelled task and must work there: a worker
/// that is cancelled still publishes what follows from its tasks. A publication under way is not abandoned when its
/// task is cancelled, because only its answer says whether the broker took the messages.
///
/// **Closing.** The application or client that was given the broker closes it, after its workers have ended. A worker
/// closes its consumer, which has its own connection, and not the broker: ``MessageConsumer/close()``.
public protocol MessageBroker: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// Publishes messages and returns when the broker has taken responsibility for all of them.
    ///
    /// - Throws: ``PartialPublishError`` if the broker took some messages and not others; another error if it is not
    ///   known to have taken any. A ``CeleriacError`` with code `unavailable` says that the same publication may
    ///   succeed later: a worker then repeats it until it stops. After any other error the worker publishes the
    ///   messages of each task alone, and parks a task's message when its publications are refused three times.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Begins to consume.
    ///
    /// - Parameter options: the queues, and how many messages the worker wants to hold.
    /// - Returns: a consumer, which the worker closes.
    /// - Throws: ``CeleriacError`` with code `unavailable` when the broker cannot be reached: the worker tries again.
    ///   Any other error ends the worker. Nothing has to be closed after a throw.
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer

    /// The broker as a worker uses it, to consume and to publish what follows from its tasks. The default is the broker
    /// itself. A broker whose ``publish(_:)`` waits for the worker returns one that does not wait.
    var workerSide: any MessageBroker { get }

    /// Closes what the broker holds open. Publications fail afterwards.
    func close() async

    // MARK: Remote control

    /// Makes the mailbox by which a worker is controlled remotely. The mailbox connects when it is run.
    ///
    /// - Parameters:
    ///   - node: the worker's node name.
    ///   - exchanges: the names that the dialect uses.
    /// - Returns: nil if this broker, or its settings, cannot carry remote control. Workers then run without it.
    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)?

    /// Publishes a client's request to all workers, and passes on their replies.
    ///
    /// With a ``ControlExchanges/replyKey`` it first declares the inbox and binds it to
    /// ``ControlExchanges/replies``, so that no reply comes too early, and deletes it at the end. Without one, it
    /// returns once the request is published. It succeeds even if there is no worker.
    ///
    /// - Parameters:
    ///   - request: the request, which goes to ``ControlExchanges/requests``.
    ///   - exchanges: the names that the dialect uses.
    ///   - enough: opened when the client wants no more replies; its time is over, or its task is cancelled. The broker
    ///     returns soon after that, even without a network.
    ///   - sent: the broker calls it when the request is published. The client's time begins then.
    ///   - receive: gets each reply, or the reason why its envelope cannot be read. It returns at once. The broker may
    ///     call it on any thread.
    /// - Throws: ``CeleriacError`` with code `unsupported` if this broker, or its settings, cannot carry remote
    ///   control, `unavailable` if the broker cannot be reached or is lost while the client waits.
    func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws

    /// What remote control reports about this broker.
    var brokerDescription: BrokerDescription { get }

    // MARK: Looking after queues

    /// Counts the messages that wait in a queue, without those that workers hold.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot count them, or the broker's
    ///   error.
    func depth(of queue: String) async throws -> Int

    /// Deletes all messages that wait in a queue, but not those that workers hold.
    ///
    /// - Returns: how many messages were deleted.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot purge, or the broker's error.
    func purge(_ queue: String) async throws -> Int

    /// Lists messages that were parked from a queue, in the order in which they were parked.
    ///
    /// - Parameters:
    ///   - queue: the queue that they were taken from.
    ///   - id: the last message of the page before; nil for the first page.
    ///   - limit: how many messages to return at most.
    /// - Returns: the messages of the page; none after the last one.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot list them, `configuration` if there
    ///   is no message `id` and the page therefore has no beginning, or the broker's error.
    func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage]

    /// Puts parked messages back into their queue, unchanged. Ids of messages that are no longer parked are skipped.
    ///
    /// - Parameters:
    ///   - ids: the messages, by their ``ParkedMessage/id``.
    ///   - queue: the queue that they were taken from.
    /// - Returns: how many messages were put back.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it, or the broker's error.
    func requeueParked(_ ids: [String], in queue: String) async throws -> Int

    /// Deletes parked messages. Ids of messages that are no longer parked are skipped.
    ///
    /// - Parameters:
    ///   - ids: the messages, by their ``ParkedMessage/id``.
    ///   - queue: the queue that they were taken from.
    /// - Returns: how many messages were deleted.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it, or the broker's error.
    func dropParked(_ ids: [String], in queue: String) async throws -> Int
}

/// What a broker reports about itself for inspection. It never contains credentials.
public struct BrokerDescription: Sendable, Hashable {
    /// The transport, for instance `amqp` or `redis`.
    public var transport: String
    /// The server's host, or the path of its socket; nil where there is no server.
    public var host: String?
    /// The port; 0 for a broker without a port.
    public var port: Int
    /// The user, without the password.
    public var user: String?
    /// The virtual host at RabbitMQ, the database in Redis.
    public var virtualHost: String
    /// Whether the connection is encrypted.
    public var isEncrypted: Bool
    /// How the user logs in, for instance `PLAIN`.
    public var loginMethod: String?

    /// Creates a description.
    public init(
        transport: String, host: String? = nil, port: Int = 0, user: String? = nil, virtualHost: String = "/",
        isEncrypted: Bool = false, loginMethod: String? = nil
    ) {
        self.transport = transport
        self.host = host
        self.port = port
        self.user = user
        self.virtualHost = virtualHost
        self.isEncrypted = isEncrypted
        self.loginMethod = loginMethod
    }
}

extension MessageBroker {
    /// The broker itself.
    public var workerSide: any MessageBroker { self }

    /// Nil: this broker carries no remote control.
    public func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? { nil }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws { throw unsupported("carry remote control") }

    /// Reports the broker's name as its transport.
    public var brokerDescription: BrokerDescription { BrokerDescription(transport: name) }

    /// No arguments.

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func depth(of queue: String) async throws -> Int { throw unsupported("count the messages of a queue") }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func purge(_ queue: String) async throws -> Int { throw unsupported("purge a queue") }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        throw unsupported("list parked messages")
    }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        throw unsupported("requeue parked messages")
    }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        throw unsupported("drop parked messages")
    }

    /// Does nothing.
    public func close() async {}

    private func unsupported(_ action: String) -> CeleriacError {
        CeleriacError(.unsupported, "this transport cannot \(action)")
    }
}
