public import CeleriacWire

/// The exchanges and the queue by which a worker is controlled remotely.
///
/// The dialect chooses the names; a ``ControlMailbox`` uses them as they are.
public struct ControlExchanges: Sendable, Hashable {
    /// The fan-out exchange to which requests are published: each worker gets every request.
    public var requests: String
    /// The direct exchange to which replies are published, by the routing key that the request names.
    public var replies: String
    /// The topic exchange to which events are published.
    public var events: String
    /// The worker's own queue, bound to ``requests``. It exists only while the worker runs.
    public var inbox: String

    /// Creates a set of names.
    public init(requests: String, replies: String, events: String, inbox: String) {
        self.requests = requests
        self.replies = replies
        self.events = events
        self.inbox = inbox
    }
}

/// A worker's connection for remote control and events, apart from the connection that serves its queues.
///
/// A mailbox must answer while the worker's other connection is busy, so it needs a connection of its own.
///
/// **Order of calls.** The worker calls ``run(until:receive:)`` at most once, and ``publish(_:)`` before, during and
/// after that, from several tasks at once. It calls ``close()`` last.
///
/// **Cancellation.** A worker that is cancelled calls ``publish(_:)`` and ``close()`` from cancelled tasks, and they
/// must work there. ``run(until:receive:)`` ends when `stopping` opens, whether or not its task is cancelled before; a
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
    ///   - receive: gets each request, or the reason why its envelope cannot be read. It returns at once. The mailbox
    ///     may call it on any thread, but not for two requests at the same time.
    func run(until stopping: Gate, receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void) async

    /// Publishes events and replies. It succeeds even if nobody is there to receive them.
    ///
    /// - Throws: an error when the broker cannot be reached or refuses them, or after ``close()``. The worker does not
    ///   send the messages again.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Closes the connection. Later publications throw.
    func close() async
}
