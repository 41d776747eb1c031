#if AMQP
import CeleriacWire
import Testing

import struct FoundationEssentials.Date

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

    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// A message as it travels to a level.
    private func sent(
        _ message: WireMessage, exchange: String = "e", routingKey: String = "r",
        to destination: MessageOrigin.Destination = .level, after seconds: Double = 0
    ) -> WireMessage {
        MessageOrigin.departure(
            of: delivery(message, exchange: exchange, routingKey: routingKey), from: "q", to: destination,
            now: now.addingTimeInterval(seconds))
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
        let sent = sent(message)
        #expect(sent.body == message.body && sent.headers["id"] == "1" && sent.headers["x-celeriac-attempts"] == 2)
        #expect(sent.properties.priority == 3 && sent.properties.replyTo == "reply")
        #expect(sent.properties.userID == nil && sent.properties.expiration == nil)
        for name in ["CC", "x-death", "x-first-death-queue"] { #expect(sent.headers[name] == nil) }
        // What RabbitMQ writes down on the way.
        var back = sent
        back.headers["x-death"] = [["queue": "celeriac.delay.3", "reason": "expired"]]
        back.headers["x-first-death-reason"] = "expired"
        let origin = try #require(MessageOrigin(back, in: "q"))
        #expect(origin.restored(back, now: now) == message)
        #expect(origin.exchange == "e" && origin.routingKey == "r" && origin.moves == 1)
        // It is moved again.
        let again = self.sent(back, exchange: "", routingKey: "q")
        let second = try #require(MessageOrigin(again, in: "q"))
        #expect(second.exchange == "e" && second.routingKey == "r" && second.moves == 2)
        #expect(second.restored(again, now: now) == message)
    }

    @Test("only what waited for its time comes back as another message")
    func moves() throws {
        for (destination, moves) in [(MessageOrigin.Destination.level, 1), (.companion, 0), (.queue, 0)] {
            let sent = sent(message, to: destination)
            let origin = try #require(MessageOrigin(sent, in: "q"))
            #expect(origin.moves == moves && origin.restored(sent, now: now) == message)
        }
    }

    @Test("a message keeps what is left of its time, and expires only where it would have without us")
    func expiration() throws {
        let destinations: [(MessageOrigin.Destination, String?)] = [(.level, nil), (.companion, nil), (.queue, "1000")]
        for (destination, expiration) in destinations {
            let first = sent(message, to: destination)
            #expect(first.properties.expiration == expiration)
            let origin = try #require(MessageOrigin(first, in: "q"))
            #expect(origin.restored(first, now: now.addingTimeInterval(0.4)).properties.expiration == "600")
            // However often it is published anew, that does not renew it.
            let second = sent(first, to: destination, after: 0.4)
            #expect(second.properties.expiration == expiration.map { _ in "600" })
            let again = try #require(MessageOrigin(second, in: "q"))
            #expect(again.restored(second, now: now.addingTimeInterval(0.9)).properties.expiration == "100")
            #expect(again.restored(second, now: now.addingTimeInterval(9)).properties.expiration == "0")
        }
        var forever = message
        let extremes: [(String?, String?)] = [(nil, nil), ("soon", nil), ("999999999999999999", "315360000000")]
        for (expiration, left) in extremes {
            forever.properties.expiration = expiration
            let sent = sent(forever)
            let origin = try #require(MessageOrigin(sent, in: "q"))
            #expect(origin.restored(sent, now: now).properties.expiration == left)
        }
    }

    @Test("the deaths that others caused stay, those in our own queues do not")
    func deaths() throws {
        func death(_ queue: String) -> WireValue { ["queue": .string(queue), "reason": "rejected", "count": 1] }
        var message = WireMessage(body: [1])
        message.headers = ["x-death": [death("old")], "x-first-death-queue": "old", "x-last-death-queue": "old"]
        var back = sent(message)
        back.headers["x-death"] = [death("dead"), death("q.redelivered"), death("q"), death("celeriac.delay.to.q")]
        back.headers["x-first-death-queue"] = "celeriac.delay.3"
        back.headers["x-first-death-reason"] = "expired"
        back.headers["x-last-death-queue"] = "dead"
        let restored = try #require(MessageOrigin(back, in: "q")).restored(back)
        #expect(restored.headers["x-death"] == [death("dead"), death("q"), death("old")])
        #expect(restored.headers["x-first-death-queue"] == "old" && restored.headers["x-first-death-reason"] == nil)
        #expect(restored.headers["x-last-death-queue"] == "dead" && restored.headers[MessageOrigin.header] == nil)
        // They do not travel: the broker would take the way back for a circle.
        let again = sent(back)
        #expect(!again.headers.contains { $0.key.hasPrefix("x-death") || $0.key.hasPrefix("x-first") })
        let origin = try #require(MessageOrigin(again, in: "q"))
        #expect(origin.restored(again).headers["x-death"] == restored.headers["x-death"])
    }

    @Test("what a quorum queue has counted stays behind")
    func counts() throws {
        var counted = WireMessage(body: [1])
        counted.headers["x-delivery-count"] = 3
        let sent = sent(counted)
        #expect(sent.headers["x-delivery-count"] == nil)
        #expect(try #require(MessageOrigin(sent, in: "q")).restored(sent) == WireMessage(body: [1]))
    }

    @Test("a header that is not ours, or of another queue, changes nothing")
    func foreign() {
        let sent = sent(message)
        #expect(MessageOrigin(sent, in: "other") == nil && MessageOrigin(message, in: "q") == nil)
        for value: WireValue in [1, "q", [], ["queue": "q"], ["queue": "q", "exchange": 1, "routing_key": "r"]] {
            #expect(MessageOrigin(WireMessage(headers: [MessageOrigin.header: value]), in: "q") == nil)
        }
        let extreme = WireMessage(headers: [
            MessageOrigin.header: [
                "queue": "q", "exchange": "", "routing_key": "", "moves": .int(.min), "expires": .int(.min),
                "headers": 1,
            ]
        ])
        let origin = MessageOrigin(extreme, in: "q")
        #expect(origin?.moves == 0 && origin?.restored(extreme).properties.expiration == "0")
    }
}
#endif
