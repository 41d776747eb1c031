import CeleriacCore
import CeleryWire

/// The names of the exchanges and queues of remote control.
struct CeleryControlNames: Sendable {
    /// What the names begin with: `celery`.
    let namespace: String

    /// The fan-out exchange of requests.
    var requests: String { "\(namespace).pidbox" }
    /// The direct exchange of replies.
    var replies: String { "reply.\(namespace).pidbox" }

    /// The queue on which a node takes requests.
    func queue(ofNode nodeName: String) -> String { "\(nodeName).\(namespace).pidbox" }

    /// The names that a node's mailbox uses.
    func exchanges(ofNode nodeName: String) -> ControlExchanges {
        ControlExchanges(
            requests: requests, replies: replies, events: CeleryEvent.exchange, inbox: queue(ofNode: nodeName))
    }
}
