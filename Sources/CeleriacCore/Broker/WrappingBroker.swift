package import CeleriacWire

/// A broker that does by another one whatever it does not do itself.
package protocol WrappingBroker: MessageBroker {
    /// The other broker.
    var base: any MessageBroker { get }
}

extension MessageBroker {
    /// The broker that does the work.
    package var unwrapped: any MessageBroker { (self as? any WrappingBroker)?.base.unwrapped ?? self }
}

// What the other broker does. A broker says by itself how it publishes and closes, and what it is for workers.
extension WrappingBroker {
    /// The other broker's name.
    package var name: String { base.name }

    /// Consumes from the other broker.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try await base.consume(options)
    }

    /// The other broker's mailbox.
    package func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? {
        base.controlMailbox(for: node, exchanges: exchanges)
    }

    /// Broadcasts by the other broker.
    package func broadcast(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        sent: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        try await base.broadcast(request, exchanges: exchanges, until: enough, sent: sent, receive: receive)
    }

    /// The other broker's description.
    package var brokerDescription: BrokerDescription { base.brokerDescription }

    /// Counts the other broker's messages.
    package func depth(of queue: String) async throws -> Int { try await base.depth(of: queue) }

    /// Purges the other broker's queue.
    package func purge(_ queue: String) async throws -> Int { try await base.purge(queue) }

    /// Lists the other broker's parked messages.
    package func parkedMessages(in queue: String, after id: String?, limit: Int) async throws -> [ParkedMessage] {
        try await base.parkedMessages(in: queue, after: id, limit: limit)
    }

    /// Looks at the other broker's parked messages.
    package func walkParked(in queue: String, _ body: ([ParkedMessage]) -> Bool) async throws {
        try await base.walkParkedOrPage(in: queue, body)
    }

    /// Requeues the other broker's parked messages.
    package func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await base.requeueParked(ids, in: queue)
    }

    /// Drops the other broker's parked messages.
    package func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        try await base.dropParked(ids, in: queue)
    }
}
