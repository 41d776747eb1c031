package import CeleriacWire

/// A broker at which monitors hear the events of workers and clients.
package protocol EventBroker: MessageBroker {
    /// Passes on what is published to an exchange of events, until `enough` opens.
    ///
    /// It survives lost connections: it says so, and connects again.
    ///
    /// - Parameters:
    ///   - exchange: the topic exchange to which events are published: ``ControlExchanges/events``.
    ///   - queue: the name of the listener's own queue, which exists while it listens.
    ///   - enough: opened when nobody listens any more. The broker returns soon after that, even without a network.
    ///   - hear: gets what happens. It returns at once. The broker may call it on any thread.
    /// - Throws: ``CeleriacError`` with code `unsupported` if this broker, or its settings, cannot carry events,
    ///   `unavailable` if the broker cannot be reached at the beginning.
    func listen(
        to exchange: String, queue: String, until enough: Gate, hear: @escaping @Sendable (EventNews) -> Void
    ) async throws
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
