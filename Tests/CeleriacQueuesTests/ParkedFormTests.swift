#if AMQP
import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleriacAMQP
@testable import CeleriacQueues

/// How a message looks while it is parked at RabbitMQ, and what it is when it goes back.
@Suite("Parked messages at RabbitMQ") struct ParkedFormTests {
    private func delivery(_ message: WireMessage, exchange: String, routingKey: String) -> AMQPDelivery {
        AMQPDelivery(
            consumerTag: "c", deliveryTag: 1, redelivered: true, exchange: exchange, routingKey: routingKey,
            message: message, defect: nil)
    }

    private func parked(_ delivery: AMQPDelivery, isStored: Bool? = nil) -> WireMessage {
        var fault = MessageFault(reason: "bad", detail: "it is bad")
        fault.failureIsStored = isStored
        return delivery.parked(for: fault, queue: "q", worker: "w@h", time: "2030-01-01T00:00:00")
    }

    /// A message with everything that must not lie in the parked queue as it is.
    private var message: WireMessage {
        var message = WireMessage(
            headers: [
                "id": "1", "task": "t", "eta": "2030-01-01T00:00:00", "CC": ["other"],
                "x-death": [["queue": "own", "reason": "rejected", "count": 1]], "x-first-death-queue": "own",
                "x-celeriac-of-another": "kept",
            ],
            body: Array("[[], {}, {}]".utf8))
        message.properties.userID = "guest"
        message.properties.expiration = "100000000"
        message.properties.priority = 3
        return message
    }

    /// The time that a message was on its way counts.
    private func expectSame(_ found: MessageProperties, _ original: MessageProperties) {
        let left = found.expiration.flatMap { Int($0) } ?? 0
        #expect(left > 0 && left <= original.expiration.flatMap { Int($0) } ?? 0)
        var expected = original
        expected.expiration = found.expiration
        #expect(found == expected)
    }

    @Test("one that was at a level, and in the companion, is parked as it was before, and comes back so")
    func moved() throws {
        let atLevel = MessageOrigin.departure(
            of: delivery(message, exchange: "e", routingKey: "r"), from: "q", to: .level)
        var back = delivery(atLevel, exchange: "", routingKey: "q").moved(attempts: 3, from: "q", to: .companion)
        // What RabbitMQ writes down on the way.
        back.headers["x-death"] = [["queue": "celeriac.delay.3", "reason": "expired"]]
        back.headers["x-first-death-queue"] = "celeriac.delay.3"
        back.headers["x-delivery-count"] = 2
        let parked = parked(delivery(back, exchange: "", routingKey: "q.redelivered"))
        for name in ["CC", "x-delivery-count", "x-celeriac-attempts", "x-celeriac-origin"] {
            #expect(parked.headers[name] == nil)
        }
        #expect(parked.properties.expiration == nil && parked.properties.userID == nil)
        let shown = ParkedMessage(delivery(parked, exchange: "", routingKey: "q.parked"), queue: "q") { _ in nil }
        let content = try #require(shown.content)
        #expect(Set(content.headers.keys) == Set(message.headers.keys))
        for name in message.headers.keys { #expect(content.headers[name] == message.headers[name]) }
        expectSame(content.properties, message.properties)
        #expect(content.body == message.body)

        // Nothing goes anywhere but to the queue, and a worker sees all of it there.
        let sent = try #require(parked.putBack(to: "q"))
        for name in ["CC", "x-death", "x-celeriac-reason"] { #expect(sent.headers[name] == nil) }
        #expect(sent.properties.userID == nil && sent.properties.expiration == content.properties.expiration)
        let origin = try #require(MessageOrigin(sent, in: "q"))
        #expect(origin.exchange == "e" && origin.routingKey == "r")
        expectSame(origin.restored(sent).properties, message.properties)
        #expect(Set(origin.restored(sent).headers.keys) == Set(message.headers.keys))
    }

    @Test("one that came straight from its sender goes back without a header of ours")
    func plain() throws {
        let message = WireMessage(headers: ["id": "1", "task": "t"], body: [1])
        let parked = parked(delivery(message, exchange: "", routingKey: "q"), isStored: true)
        #expect(parked.putBack(to: "q") == message)
        let shown = ParkedMessage(delivery(parked, exchange: "", routingKey: "q.parked"), queue: "q") { _ in nil }
        #expect(shown.failureIsStored == true && shown.reason == "bad" && shown.content == message)
    }

    @Test("one whose headers could not be read does not go back")
    func unreadable() throws {
        let defect = AMQPDelivery.Defect(reason: "no", propertyBytes: [1, 2], isBodyMissing: false)
        let came = AMQPDelivery(
            consumerTag: "c", deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q",
            message: WireMessage(body: [7]), defect: defect)
        #expect(parked(came).putBack(to: "q") == nil)
        #expect(parked(came).unparked == WireMessage(body: [7]))
    }
}
#endif
