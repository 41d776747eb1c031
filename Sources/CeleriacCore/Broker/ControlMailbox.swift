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
    /// The worker's own queue, bound to ``requests``. It does not outlive the worker.
    public var inbox: String

    /// Creates a set of names.
    public init(requests: String, replies: String, events: String, inbox: String) {
        self.requests = requests
        self.replies = replies
        self.events = events
        self.inbox = inbox
    }
}

/// A worker's connection for remote control and events, apart from that of its queues.
///
/// The worker calls ``run(until:receive:)`` once and ``publish(_:)`` as often as it likes, before, while and after the
/// mailbox runs, from several tasks at once. It calls ``close()`` last. A mailbox must answer while the worker's own
/// connection is busy, so that it needs a connection of its own.
public protocol ControlMailbox: Sendable {
    /// Declares the inbox, passes on requests until `stopping` opens, and then gives up what it declared.
    ///
    /// It outlives lost connections: it logs them, connects again and goes on. It never throws, since a worker runs without
    /// remote control too.
    ///
    /// - Parameters:
    ///   - stopping: opened when the worker stops.
    ///   - receive: gets each request, or why its envelope cannot be read. It returns at once and may be called on any
    ///     thread, but not for two requests at the same time.
    func run(until stopping: Gate, receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void) async

    /// Publishes events and replies. If nobody is there to get them, that is no error.
    ///
    /// - Throws: an error when the broker cannot be reached or refuses. Nobody sends the messages again.
    func publish(_ messages: [OutgoingMessage]) async throws

    /// Closes the connection. Later publications throw.
    func close() async
}
