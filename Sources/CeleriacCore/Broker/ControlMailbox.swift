public import CeleriacWire

/// The exchanges and the queue by which a worker is controlled remotely, or by which a client hears from workers.
///
/// The dialect chooses the names; a ``ControlMailbox`` and ``MessageBroker/broadcast(_:exchanges:until:sent:receive:)``
/// use them as they are.
public struct ControlExchanges: Sendable, Hashable {
    /// The fan-out exchange to which requests are published: each worker gets every request.
    public var requests: String
    /// The direct exchange to which replies are published, by the routing key that the request names.
    public var replies: String
    /// The topic exchange to which events are published.
    public var events: String
    /// The worker's own queue, bound to ``requests``, or the client's, bound to ``replies`` by ``replyKey``. It exists
    /// only while the worker runs or the client waits.
    public var inbox: String
    /// The routing key of the replies to a client; nil for a worker, and for a client that wants no replies.
    public var replyKey: String?
    /// For how long the broker keeps an inbox that nobody uses; nil for ever.
    public var inboxExpiry: Duration?
    /// For how long the broker keeps a message in the inbox; nil for ever.
    public var messageLifetime: Duration?
    /// Whether only the connection that declares the inbox may use it.
    public var isInboxExclusive: Bool
    /// Whether the inbox survives a restart of the broker, and its last consumer.
    public var isInboxDurable: Bool

    /// Creates a set of names.
    public init(
        requests: String, replies: String, events: String, inbox: String, replyKey: String? = nil,
        inboxExpiry: Duration? = .seconds(10), messageLifetime: Duration? = .seconds(300),
        isInboxExclusive: Bool = true, isInboxDurable: Bool = false
    ) {
        self.requests = requests
        self.replies = replies
        self.events = events
        self.inbox = inbox
        self.replyKey = replyKey
        self.inboxExpiry = inboxExpiry
        self.messageLifetime = messageLifetime
        self.isInboxExclusive = isInboxExclusive
        self.isInboxDurable = isInboxDurable
    }
}

/// A worker's connection for remote control and events, apart from the connection that serves its queues.
///
/// A mailbox must answer while the worker's other connection is busy, so it needs a connection of its own.
///
/// **Order of calls.** The worker calls ``run(until:onOpen:receive:)`` at most once, and ``publish(_:)`` before, during and
/// after that, from several tasks at once. It calls ``close()`` last.
///
/// **Cancellation.** A worker that is cancelled calls ``publish(_:)`` and ``close()`` from cancelled tasks, and they
/// must work there. ``run(until:onOpen:receive:)`` ends when `stopping` opens, whether or not its task is cancelled before; a
/// worker cancels it when it takes too long to clean up after that.
///
/// **Closing.** The worker for which the mailbox was made closes it.
public protocol ControlMailbox: Sendable {
    /// Declares the inbox, passes on requests until `stopping` opens, and then deletes what it declared.
    ///
    /// It survives lost connections: it logs them and connects again. It does not throw, because a worker also runs
    /// without remote control.
    ///
    /// - Parameters:
    ///   - stopping: opened when the worker stops. The mailbox must return soon after that, even without a network.
    ///   - onOpen: to be called as soon as requests reach the inbox, or never will; a worker waits a few seconds for it
    ///     before it says that it is ready.
    ///   - receive: gets each request, or the reason why its envelope cannot be read. It returns at once. The mailbox
    ///     may call it on any thread, but not for two requests at the same time.
    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async

    /// Publishes events and replies. It succeeds even if nobody is there to receive them.
    ///
    /// - Throws: an error when the broker cannot be reached or refuses them, or after ``close()``. The worker does not
    ///   send the messages again.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Closes the connection. Later publications throw.
    func close() async
}

/// A mailbox that workers of one node name can have at the same time, so that nobody but they themselves can notice it.
package protocol SharedMailbox: ControlMailbox {}
