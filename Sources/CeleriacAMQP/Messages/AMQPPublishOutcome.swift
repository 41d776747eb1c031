#if AMQP

/// What became of one published message.
public enum AMQPPublishOutcome: Sendable, Hashable {
    /// The broker took responsibility for it.
    case confirmed
    /// The broker refused responsibility for it, for instance because a queue is full and rejects.
    case nacked
    /// It was mandatory and no queue takes it; the broker's code (312) and text.
    case returned(code: UInt16, text: String)
    /// It was handed to the operating system on a channel without confirms; nothing more is known.
    case unconfirmed

    /// The failure as an error; `nil` when the message was confirmed, or no confirmation was asked for.
    public var error: AMQPError? {
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
