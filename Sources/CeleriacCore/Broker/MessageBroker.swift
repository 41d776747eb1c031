public import CeleriacWire

/// Where messages are published to and consumed from, in one dialect's layout.
///
/// Implement it to bring a transport of your own. ``publish(_:)`` and ``consume(_:)`` are required; what a broker does
/// not offer beyond that it leaves to the defaults, which throw ``CeleriacError`` with code `unsupported`.
///
/// **Concurrency.** All methods may be called at the same time from any task. Messages of one ``publish(_:)`` keep their
/// order within a queue; nothing is promised about two publications at the same time.
///
/// **Connections.** A broker connects when it is first used and again, by itself, after a loss. It never repeats a
/// publication whose answer was lost: the caller decides, since the message may have been taken.
///
/// **Cancellation.** A publication that is under way is not abandoned when its task is cancelled, since its answer says
/// whether messages were taken.
///
/// **Closing.** Whoever made the broker closes it, after the workers, clients and consumers that use it have ended. A
/// consumer has its own connection and must be closed separately: ``MessageConsumer/close()``.
public protocol MessageBroker: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// Publishes messages and returns when the broker has taken responsibility for all of them.
    ///
    /// - Throws: ``PartialPublishError`` if some were taken and others not; another error if none is known to have been
    ///   taken. A ``CeleriacError`` with code `unavailable` says that the same publication may succeed later.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Begins to consume.
    ///
    /// - Throws: an error when the broker cannot be reached or refuses. Nothing has to be closed then.
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer

    /// The broker as a worker uses it, for consuming and for everything that follows from its tasks. The default is the
    /// broker itself; a broker whose ``publish(_:)`` waits for the worker returns one that does not wait.
    var workerSide: any MessageBroker { get }

    /// Closes what the broker holds open. Publications fail afterwards.
    func close() async

    // MARK: Remote control

    /// Makes the mailbox by which a worker is controlled remotely; it connects when it is run.
    ///
    /// - Parameters:
    ///   - node: the worker's node name.
    ///   - exchanges: the names that the dialect uses.
    /// - Returns: nil if this broker, or its settings, cannot carry remote control. Workers then run without it.
    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)?

    /// What remote control tells about this broker.
    var brokerDescription: BrokerDescription { get }

    /// The arguments with which a queue is declared, as remote control tells them.
    func arguments(ofQueue queue: String) -> WireObject

    // MARK: Looking after queues

    /// How many messages wait in a queue, without those that workers hold.
    func depth(of queue: String) async throws -> Int

    /// Deletes all messages that wait in a queue. What workers hold is not touched.
    ///
    /// - Returns: how many were deleted.
    func purge(_ queue: String) async throws -> Int

    /// Lists messages that were parked from a queue, in the order in which they were parked.
    ///
    /// - Parameters:
    ///   - queue: the queue that they were taken from.
    ///   - id: the last message of the page before; nil for the first page.
    ///   - limit: how many to return at most.
    func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage]

    /// Puts parked messages back into their queue, as they came.
    ///
    /// - Returns: how many there were. A message that is not parked any more is skipped.
    func requeueParked(_ ids: [String], in queue: String) async throws -> Int

    /// Deletes parked messages.
    ///
    /// - Returns: how many there were.
    func dropParked(_ ids: [String], in queue: String) async throws -> Int
}

/// What a broker tells about itself for inspection: never credentials.
public struct BrokerDescription: Sendable, Hashable {
    /// The transport, for instance `amqp` or `redis`.
    public var transport: String
    /// The server's host, or the path of its socket; nil where there is no server.
    public var host: String?
    /// The port; 0 where there is none.
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

    /// Tells the broker's name as its transport.
    public var brokerDescription: BrokerDescription { BrokerDescription(transport: name) }

    /// None.
    public func arguments(ofQueue queue: String) -> WireObject { [:] }

    /// Refuses.
    public func depth(of queue: String) async throws -> Int { throw unsupported("count the messages of a queue") }

    /// Refuses.
    public func purge(_ queue: String) async throws -> Int { throw unsupported("purge a queue") }

    /// Refuses.
    public func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        throw unsupported("list parked messages")
    }

    /// Refuses.
    public func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        throw unsupported("requeue parked messages")
    }

    /// Refuses.
    public func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        throw unsupported("drop parked messages")
    }

    private func unsupported(_ action: String) -> CeleriacError {
        CeleriacError(.unsupported, "this transport cannot \(action)")
    }
}
