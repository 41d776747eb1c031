#if AMQP
import CeleriacAMQP

extension AMQPError {
    /// Whether the same call may succeed once the broker is back: it was not answered, rather than refused.
    var isOutOfReach: Bool {
        switch code {
        case .connectFailed, .connectionLost, .connectionClosedByServer, .timeout, .blocked: true
        default: false
        }
    }
}
#endif
