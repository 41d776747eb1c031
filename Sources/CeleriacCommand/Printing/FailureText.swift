import Celeriac

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
        guard let cause = error.cause else { return error.message }
        #if Redis
        if let cause = cause as? RedisError {
            // The messages of these codes are complete: they name the server.
            if [.connectFailed, .invalidURL, .unsuitableServer].contains(cause.code) { return cause.message }
            return sentence(error.message, cause.message, cause.serverError.map { "\($0)" })
        }
        #endif
        #if AMQP
        if let cause = cause as? AMQPError {
            if cause.code == .invalidURL { return cause.message }
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

    private static func sentence(_ what: String, _ why: String, _ answer: String?) -> String {
        "\(what). \(why)" + (answer.map { " (\($0))" } ?? "")
    }
}
