#if AMQP

extension AMQPError {
    /// Whether the same call may succeed once the broker is back: it was not answered, rather than refused.
    package var isOutOfReach: Bool {
        switch code {
        case .connectFailed, .connectionLost, .connectionClosedByServer, .timeout, .blocked: true
        default: false
        }
    }
}

#endif
