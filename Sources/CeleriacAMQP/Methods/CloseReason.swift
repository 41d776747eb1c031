#if AMQP

/// Why the broker closed a channel or a connection.
struct CloseReason: Equatable {
    let code: UInt16
    let text: String
    /// The method that the broker blames, if any.
    let method: String?

    /// The error that everyone who waits gets.
    func error(_ code: AMQPError.Code, _ message: String) -> AMQPError {
        AMQPError(code, message, replyCode: self.code, replyText: text, method: method)
    }
}

#endif
