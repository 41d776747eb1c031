#if AMQP
import CeleriacWire
import Testing

@testable import CeleriacAMQP
@testable import CeleriacQueues

@Suite("Message origin") struct MessageOriginTests {
    private func delivery(
        _ message: WireMessage, exchange: String = "e", routingKey: String = "r", redelivered: Bool = false
    ) -> AMQPDelivery {
        AMQPDelivery(
            consumerTag: "c", deliveryTag: 1, redelivered: redelivered, exchange: exchange, routingKey: routingKey,
            message: message, defect: nil)
    }

    /// A message with everything that must not travel.
    private var message: WireMessage {
        var message = WireMessage(
            headers: [
                "id": "1", "eta": "2030-01-01T00:00:00", "x-celeriac-attempts": 2, "CC": ["other"],
                "x-death": [["queue": "q", "reason": "expired", "count": 1]], "x-first-death-queue": "q",
            ],
            body: Array("[[], {}, {}]".utf8))
        message.properties.userID = "guest"
        message.properties.expiration = "1000"
        message.properties.priority = 3
        message.properties.replyTo = "reply"
        return message
    }

    @Test("what must not travel is set aside, and is there again when the message is back")
    func returns() throws {
        let sent = MessageOrigin.departure(of: delivery(message), from: "q")
        #expect(sent.body == message.body && sent.headers["id"] == "1" && sent.headers["x-celeriac-attempts"] == 2)
        #expect(sent.properties.priority == 3 && sent.properties.replyTo == "reply")
        #expect(sent.properties.userID == nil && sent.properties.expiration == nil)
        for name in ["CC", "x-death", "x-first-death-queue"] { #expect(sent.headers[name] == nil) }
        // What RabbitMQ writes down on the way.
        var back = sent
        back.headers["x-death"] = [["queue": "celeriac.delay.3", "reason": "expired"]]
        back.headers["x-first-death-reason"] = "expired"
        let origin = try #require(MessageOrigin(back, in: "q"))
        #expect(origin.restored(back) == message)
        #expect(origin.exchange == "e" && origin.routingKey == "r" && origin.moves == 1)
        // It is moved again.
        let again = MessageOrigin.departure(of: delivery(back, exchange: "", routingKey: "q"), from: "q")
        let second = try #require(MessageOrigin(again, in: "q"))
        #expect(second.exchange == "e" && second.routingKey == "r" && second.moves == 2)
        #expect(second.restored(again) == message)
    }

    @Test("what a quorum queue has counted stays behind")
    func counts() throws {
        var counted = WireMessage(body: [1])
        counted.headers["x-delivery-count"] = 3
        let sent = MessageOrigin.departure(of: delivery(counted), from: "q")
        #expect(sent.headers["x-delivery-count"] == nil)
        #expect(try #require(MessageOrigin(sent, in: "q")).restored(sent) == WireMessage(body: [1]))
    }

    @Test("a header that is not ours, or of another queue, changes nothing")
    func foreign() {
        let sent = MessageOrigin.departure(of: delivery(message), from: "q")
        #expect(MessageOrigin(sent, in: "other") == nil && MessageOrigin(message, in: "q") == nil)
        for value: WireValue in [1, "q", [], ["queue": "q"], ["queue": "q", "exchange": 1, "routing_key": "r"]] {
            #expect(MessageOrigin(WireMessage(headers: [MessageOrigin.header: value]), in: "q") == nil)
        }
        let extreme = WireMessage(headers: [
            MessageOrigin.header: ["queue": "q", "exchange": "", "routing_key": "", "moves": .int(.min), "headers": 1]
        ])
        #expect(MessageOrigin(extreme, in: "q")?.moves == 1)
    }
}
#endif
