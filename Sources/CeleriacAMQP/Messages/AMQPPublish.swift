#if AMQP

package import CeleriacWire

/// A message to publish, and where to.
package struct AMQPPublish: Sendable {
    /// The exchange; empty for the default exchange, which routes to the queue that the routing key names.
    package var exchange: String
    /// The routing key.
    package var routingKey: String
    /// Whether the broker must return the message when no queue takes it, instead of dropping it.
    package var mandatory: Bool
    /// Headers, properties and body.
    package var message: WireMessage
    /// Whether a message without headers carries no table for them, as most clients send it, rather than an empty one as
    /// kombu does.
    package var omitsEmptyHeaders: Bool

    /// Makes a publish.
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

/// What became of one published message.
package enum AMQPPublishOutcome: Sendable, Hashable {
    /// The broker took responsibility for it.
    case confirmed
    /// The broker refused responsibility for it, for instance because a queue is full and rejects.
    case nacked
    /// It was mandatory and no queue takes it; the broker's code (312) and text.
    case returned(code: UInt16, text: String)
    /// It was handed to the operating system on a channel without confirms; nothing more is known.
    case unconfirmed

    /// The failure as an error; `nil` when the message was confirmed, or no confirmation was asked for.
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
