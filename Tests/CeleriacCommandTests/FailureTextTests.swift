import CeleriacCore
import Testing

@testable import CeleriacCommand

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Where nobody could be asked, it does not matter what was asked.
@Suite("Texts of failures") struct FailureTextTests {
    private func text(_ cause: any Error) -> String {
        FailureText.of(CeleriacError(.unavailable, "remote control failed at u", cause: cause))
    }

    #if Redis
    @Test("Redis: what no connection was made for is not told of")
    func redis() {
        for code in [RedisError.Code.timeout, .authenticationFailed] {
            #expect(text(RedisError(code, "u did not answer.", isOfConnecting: true)) == "u did not answer.")
        }
        #expect(text(RedisError(.timeout, "It was late.")) == "remote control failed at u. It was late.")
    }
    #endif

    #if AMQP
    @Test("RabbitMQ: the server is named, and nothing else")
    func rabbitMQ() {
        func connecting(_ code: AMQPError.Code, _ replyCode: UInt16? = nil) -> String {
            var error = AMQPError(code, "x.", replyCode: replyCode, replyText: replyCode.map { _ in "NO" })
            error.server = "amqp://h:5672/"
            return text(error)
        }
        let remedy = "check that it runs and that the address is right."
        #expect(connecting(.connectFailed) == "amqp://h:5672/ cannot be reached: \(remedy)")
        #expect(connecting(.timeout) == "amqp://h:5672/ did not answer in time: \(remedy)")
        let refused = "amqp://h:5672/ refused the login: check the user, the password and the virtual host. (NO)"
        #expect(connecting(.authenticationFailed, 403) == refused)
        #expect(connecting(.connectionClosedByServer, 530) == refused)
        #expect(connecting(.protocolViolation) == "amqp://h:5672/: x.")
        #expect(text(AMQPError(.timeout, "It was late.")) == "remote control failed at u. It was late.")
    }
    #endif
}
