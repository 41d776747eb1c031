#if AMQP
import CeleriacAMQP
import CeleriacWire
import Testing

@testable import CeleriacQueues

@Suite("Single active consumers") struct SingleActiveProbeTests {
    private func refusal(_ text: String, code: UInt16 = 406) -> AMQPError {
        AMQPError(
            .channelClosedByServer, "closed", replyCode: code, replyText: "PRECONDITION_FAILED - " + text,
            method: "queue.declare")
    }

    private func difference(_ argument: String, _ rest: String) -> AMQPError {
        refusal("inequivalent arg '\(argument)' for queue 'q' in vhost '/': \(rest)")
    }

    @Test(
        "are told by RabbitMQ's refusals",
        arguments: [
            ("received 'unknown' but current is 'true'", .isSingle(true)),
            ("received 'unknown' but current is 'false'", .isSingle(false)),
            ("received the value 'unknown' of type 'longstr' but current is none", .isSingle(false)),
            (
                "received the value 'unknown' of type 'longstr' but current is the value 'true' of type 'bool'",
                .isSingle(true)
            ),
            ("received the value 'unknown' of type 'lo...", .unknown),
        ] as [(String, SingleActiveProbe.Answer)])
    func told(_ rest: String, _ expected: SingleActiveProbe.Answer) {
        var probe = SingleActiveProbe(arguments: ["x-max-priority": 5])
        #expect(probe.read(difference("x-single-active-consumer", rest)) == expected)
        #expect(probe.arguments == ["x-max-priority": 5, "x-single-active-consumer": "unknown"])
    }

    @Test("are not told by what refuses for another reason")
    func other() {
        var probe = SingleActiveProbe(arguments: [:])
        let invalid = "invalid arg 'x-single-active-consumer' for queue 'q' in vhost '/': {unacceptable_type,longstr}"
        let failures = [
            refusal(invalid), refusal("access refused", code: 403), AMQPError(.connectionLost, "lost"),
            refusal("inequivalent arg 'x"),
        ]
        for failure in failures { #expect(probe.read(failure) == .unknown) }
    }

    @Test("are asked for again as the queue is where something else differs first")
    func another() {
        var probe = SingleActiveProbe(arguments: ["x-message-ttl": 9, "x-overflow": "drop-head", "x-expires": 7])
        for (argument, rest) in [
            ("durable", "received 'true' but current is 'false'"),
            ("auto_delete", "received 'false' but current is 'true'"),
            ("x-max-priority", "received none but current is the value '5' of type 'signedint'"),
            ("x-message-ttl", "received '9' but current is '10'"),
            ("x-overflow", "received the value 'drop-head' of type 'longstr' but current is none"),
            ("x-expires", "received the value '7' of type 'long' but current is the value '8' of type 'signedint'"),
            ("x-queue-mode", "received none but current is the value 'lazy' of type 'longstr'"),
            ("x-queue-type", "received 'classic' but current is 'quorum'"),
        ] {
            #expect(probe.read(difference(argument, rest)) == .another, "\(argument)")
        }
        #expect(!probe.isDurable && probe.isAutoDeleted)
        let expected: WireObject = [
            "x-message-ttl": 10, "x-expires": 8, "x-single-active-consumer": "unknown", "x-max-priority": 5,
            "x-queue-mode": "lazy", "x-queue-type": "quorum",
        ]
        #expect(probe.arguments.count == expected.count)
        for key in expected.keys { #expect(probe.arguments[key] == expected[key], "\(key)") }
        // One that is refused for what it has right leads nowhere.
        let same = difference("x-max-priority", "received none but current is the value '5' of type 'signedint'")
        #expect(probe.read(same) == .unknown)
    }
}
#endif
