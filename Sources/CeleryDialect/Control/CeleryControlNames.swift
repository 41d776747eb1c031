package import CeleriacCore
import CeleryWire

/// The names of the exchanges and queues of remote control.
package struct CeleryControlNames: Sendable {
    private let configuration: CeleryControlConfiguration

    /// The names of a configuration, by default Celery's own.
    package init(_ configuration: CeleryControlConfiguration = CeleryControlConfiguration()) {
        self.configuration = configuration
    }

    /// The fan-out exchange of requests.
    var requests: String { "\(configuration.namespace).pidbox" }
    /// The direct exchange of replies.
    package var replies: String { "reply.\(configuration.namespace).pidbox" }

    /// The topic exchange of events.
    var events: String { configuration.eventExchange }

    /// The names that a node's mailbox uses.
    package func exchanges(ofNode nodeName: String) -> ControlExchanges {
        exchanges(inbox: "\(nodeName).\(requests)", replyKey: nil)
    }

    /// The names that a client uses, whose replies go where an id says; nil for a client that wants none.
    func exchanges(ofClient id: String?) -> ControlExchanges {
        exchanges(inbox: id.map { "\($0).\(replies)" } ?? "", replyKey: id)
    }

    private func exchanges(inbox: String, replyKey: String?) -> ControlExchanges {
        ControlExchanges(
            requests: requests, replies: replies, events: events, inbox: inbox, replyKey: replyKey,
            inboxExpiry: configuration.queueExpiry, messageLifetime: configuration.queueTTL,
            isInboxExclusive: configuration.isQueueExclusive, isInboxDurable: configuration.isQueueDurable)
    }
}

extension Duration {
    /// The lifetime of a queue or a message in milliseconds, as RabbitMQ accepts it: 1 to 2^32 - 1.
    var brokerMilliseconds: Int64 { Int64(min(max(1, seconds * 1000), Double(UInt32.max))) }
}
