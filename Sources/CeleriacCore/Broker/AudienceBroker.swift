package import CeleriacWire

/// A broker that knows whether anybody hears a broadcast, so that nobody waits for answers that cannot come.
package protocol AudienceBroker: MessageBroker {
    /// Broadcasts a request as ``MessageBroker/broadcast(_:exchanges:until:sent:receive:)`` does.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - exchanges: the names that the dialect uses.
    ///   - enough: opened when no more replies are wanted.
    ///   - heard: the broker calls it when the request is published, with the number of nodes that hear it; with nil if
    ///     some may hear it and nobody can say how many.
    ///   - receive: gets each reply, or the reason why its envelope cannot be read.
    /// - Throws: as ``MessageBroker/broadcast(_:exchanges:until:sent:receive:)``.
    func ask(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        heard: @escaping @Sendable (_ audience: Int?) -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws
}
