package import CeleriacWire

/// A broker at which monitors hear the events of workers and clients.
package protocol EventBroker: MessageBroker {
    /// Passes on what is published to an exchange of events, until `enough` opens.
    ///
    /// It survives lost connections: it says so, and connects again.
    ///
    /// - Parameters:
    ///   - exchange: the topic exchange to which events are published: ``ControlExchanges/events``.
    ///   - queue: the listener's own queue, which exists while it listens.
    ///   - enough: opened when nobody listens any more. The broker returns soon after that, even without a network.
    ///   - hear: gets what happens. It returns at once. The broker may call it on any thread.
    /// - Throws: ``CeleriacError`` with code `unsupported` if this broker, or its settings, cannot carry events,
    ///   `unavailable` if the broker cannot be reached at the beginning.
    func listen(
        to exchange: String, queue: EventQueue, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
    ) async throws
}

/// A listener's own queue, where a broker has queues for events. Others use its name alone, or nothing of it.
package struct EventQueue: Sendable, Hashable {
    /// Its name.
    package var name: String
    /// For how long the broker keeps an event that the listener does not take; nil for ever.
    package var lifetime: Duration?
    /// For how long it keeps a queue without its listener; nil for ever.
    package var expiry: Duration?
    /// Whether only the connection that declares the queue may use it.
    package var isExclusive: Bool
    /// Whether the queue survives a restart of the broker, and its listener. It cannot be exclusive then.
    package var isDurable: Bool

    /// Describes a queue, by default as Celery's monitors have it.
    package init(
        name: String, lifetime: Duration? = .seconds(5), expiry: Duration? = .seconds(60), isExclusive: Bool = true,
        isDurable: Bool = false
    ) {
        self.name = name
        self.lifetime = lifetime
        self.expiry = expiry
        self.isExclusive = isExclusive
        self.isDurable = isDurable
    }
}

/// What a broker tells a listener to events.
package enum EventNews: Sendable {
    /// Everything that is published from now on is heard.
    case listening
    /// The connection was lost. What is published until ``listening`` is missed.
    case lost(any Error)
    /// A message, or the reason why it cannot be read.
    case message(Result<WireMessage, MessageFault>)
}
