#if AMQP

package import CeleriacWire

/// A message to publish, and its destination.
package struct AMQPPublish: Sendable {
    /// The exchange; empty for the default exchange, which routes to the queue that the routing key names.
    package var exchange: String
    /// The routing key.
    package var routingKey: String
    /// Whether the broker must return the message if it reaches no queue, instead of dropping it.
    package var mandatory: Bool
    /// Headers, properties and body.
    package var message: WireMessage
    /// Whether a message without headers has no header table, as with most clients, instead of an empty one, as with
    /// kombu.
    package var omitsEmptyHeaders: Bool

    /// Creates a publish.
    package init(
        exchange: String = "", routingKey: String, mandatory: Bool = false, message: WireMessage,
        omitsEmptyHeaders: Bool = false
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.mandatory = mandatory
        self.message = message
        self.omitsEmptyHeaders = omitsEmptyHeaders
    }
}

/// The outcome of publishing one message.
package enum AMQPPublishOutcome: Sendable, Hashable {
    /// The broker took responsibility for the message.
    case confirmed
    /// The broker refused responsibility for the message, for example because a queue is full and rejects.
    case nacked
    /// The message was mandatory and reached no queue; the broker's code (312) and text.
    case returned(code: UInt16, text: String)
    /// The message was handed to the operating system on a channel without confirms; nothing more is known.
    case unconfirmed

    /// The failure as an error; `nil` if the message was confirmed, or if no confirmation was requested.
    package var error: AMQPError? {
        switch self {
        case .confirmed, .unconfirmed: nil
        case .nacked: AMQPError(.nacked, "The broker refused the message; is its queue full?")
        case .returned(let code, let text):
            AMQPError(
                .returned, "No queue takes the message; declare and bind one first.", replyCode: code, replyText: text,
                method: MethodID.basicPublish.name)
        }
    }
}

#endif
