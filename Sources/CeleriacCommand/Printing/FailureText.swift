import Celeriac
import CeleriacCore

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Describes a failure in one sentence: what cannot be reached or used, and what to check. `--verbose` shows the
/// underlying socket errors.
package enum FailureText {
    package static func of(_ error: any Error) -> String {
        guard let error = error as? CeleriacError else { return "\(error)" }
        guard let cause = error.cause, !(cause is MissingSetting) else { return error.message }
        #if Redis
        if let cause = cause as? RedisError {
            // What was asked does not matter if nobody could be asked. These messages are complete: they name the server.
            if cause.isOfConnecting {
                return withAnswer(cause.message, cause.serverError.map { "\($0)" })
            }
            if [.connectFailed, .invalidURL, .unsuitableServer].contains(cause.code) { return cause.message }
            return sentence(error.message, cause.message, cause.serverError.map { "\($0)" })
        }
        #endif
        #if AMQP
        if let cause = cause as? AMQPError {
            if cause.code == .invalidURL { return cause.message }
            if let server = cause.server { return ofConnecting(cause, to: server) }
            if cause.code == .connectFailed {
                return sentence(
                    error.message, "The broker cannot be reached: check that it runs and that its address is right.",
                    nil)
            }
            return sentence(error.message, cause.message, cause.replyText)
        }
        #endif
        return "\(error.message) (\(cause))"
    }

    #if AMQP
    /// Why no connection to a broker was made.
    private static func ofConnecting(_ error: AMQPError, to server: String) -> String {
        if error.isRefusedLogin, error.replyCode != nil {
            return withAnswer(
                "\(server) refused the login: check the user, the password and the virtual host.", error.replyText)
        }
        let remedy = "check that it runs and that the address is right."
        switch error.code {
        case .connectFailed: return "\(server) cannot be reached: \(remedy)"
        case .timeout: return "\(server) did not answer in time: \(remedy)"
        default: return withAnswer("\(server): \(error.message)", error.replyText)
        }
    }
    #endif

    private static func sentence(_ what: String, _ why: String, _ answer: String?) -> String {
        withAnswer("\(what). \(why)", answer)
    }

    private static func withAnswer(_ text: String, _ answer: String?) -> String {
        text + (answer.map { " (\($0))" } ?? "")
    }
}
