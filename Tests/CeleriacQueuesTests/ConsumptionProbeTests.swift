#if AMQP
import CeleriacAMQP
import CeleriacWire
import Testing

@testable import CeleriacQueues

@Suite("Whether a queue can be consumed") struct ConsumptionProbeTests {
    private func read(_ text: String, _ code: UInt16 = 406) -> ConsumptionProbe.Answer? {
        ConsumptionProbe.read(
            AMQPError(
                .channelClosedByServer, "closed", replyCode: code, replyText: "PRECONDITION_FAILED - " + text,
                method: "basic.consume"))
    }

    /// The words of RabbitMQ 3.10.8.
    @Test("is told by what RabbitMQ refuses")
    func told() {
        let invalid = "invalid arg 'x-cancel-on-ha-failover' for queue 'q' in vhost '/'"
        #expect(read("\(invalid): {unacceptable_type,longstr}") == .asUsual)
        #expect(read("\(invalid) of queue type rabbit_quorum_queue") == .withoutLimitOfChannel)
        #expect(read("\(invalid) of queue type rabbit_stream_queue") == .withoutLimitOfChannel)
        #expect(read("\(invalid) of queue type rabb...") == .asUsual)
    }

    @Test("is not told by refusals that a consumer would meet as well")
    func refused() {
        #expect(read("invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, got longstr\"") == nil)
        #expect(read("access to queue 'x-cancel-on-ha-failover' in vhost '/' refused for user 'u'", 403) == nil)
        #expect(read("no queue 'q' in vhost '/'", 404) == nil)
        #expect(ConsumptionProbe.read(AMQPError(.connectionLost, "reset")) == nil)
    }

    @Test("is asked with the arguments that are meant")
    func arguments() {
        #expect(
            ConsumptionProbe.arguments(beside: ["x-priority": 5])
                == ["x-priority": 5, "x-cancel-on-ha-failover": "unknown"])
    }
}
#endif
