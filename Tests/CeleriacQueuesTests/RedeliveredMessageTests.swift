#if AMQP
import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleriacAMQP
@testable import CeleriacQueues

/// Tests the form in which messages travel that have come back, without a broker.
@Suite("Messages that have come back")
struct RedeliveredMessageTests {
    private let message: WireMessage = {
        var message = WireMessage(
            headers: ["id": "1", "task": "tasks.add", "CC": ["copies"], "nested": ["a": [1, 2.5, .null]]],
            properties: MessageProperties(contentType: "application/json", deliveryMode: 2),
            body: Array("[[2, 3], {}, {}]".utf8))
        message.properties.userID = "guest"
        return message
    }()

    private func state() -> AMQPConsumerState {
        var state = AMQPConsumerState(served: ["celery"])
        state.queues = ["queue": "celery", "companion": "celery"]
        state.redelivered.tags = ["companion": "celery"]
        return state
    }

    private func delivery(
        _ message: WireMessage, from tag: String, redelivered: Bool = false, defect: AMQPDelivery.Defect? = nil
    ) -> AMQPDelivery {
        AMQPDelivery(
            consumerTag: tag, deliveryTag: 7, redelivered: redelivered, exchange: "", routingKey: "celery",
            message: message, defect: defect)
    }

    @Test("A moved message says which beginning is at hand, and is else what it was")
    func roundTrip() {
        let moved = message.moved(attempts: 2, queue: "celery")
        #expect(moved.movedAttempts == 2)
        #expect(moved.body == message.body)
        // The broker would send copies, and refuse another's user id.
        #expect(moved.headers["CC"] == nil && moved.properties.userID == nil)
        let back = moved.unmoved(queue: "celery")
        #expect(back.headers["CC"] == ["copies"] && back.properties == message.properties)
        #expect(back.headers.count == message.headers.count)
        for (name, value) in message.headers { #expect(back.headers[name] == value, "\(name)") }
        #expect(moved.moved(attempts: 3, queue: "celery").moved(attempts: 2, queue: "celery") == moved)
        #expect(message.unmoved(queue: "celery") == message && message.movedAttempts == 0)
    }

    @Test("What the broker writes about its own doings does not travel")
    func brokerHeaders() {
        var counted = message
        counted.headers["x-delivery-count"] = 4
        counted.headers["x-acquired-count"] = 4
        #expect(counted.moved(attempts: 1, queue: "celery") == message.moved(attempts: 1, queue: "celery"))
        var expired = message.moved(attempts: 1, queue: "celery")
        expired.headers["x-death"] = [["queue": "celery.redelivered", "reason": "expired", "count": 1]]
        expired.headers["x-first-death-queue"] = "celery.redelivered"
        expired.headers["x-first-death-reason"] = "expired"
        let unmoved = message.moved(attempts: 1, queue: "celery").unmoved(queue: "celery")
        #expect(expired.unmoved(queue: "celery") == unmoved)
        // What another queue gave back is the sender's doing.
        let others: WireValue = ["queue": "delays", "reason": "expired", "count": 1]
        expired.headers["x-death"] = .array([others] + (expired.headers["x-death"]?.arrayValue ?? []))
        expired.headers["x-first-death-queue"] = "delays"
        #expect(expired.unmoved(queue: "celery").headers["x-death"] == [others])
    }

    @Test(
        "A first beginning is not counted, one of a message that came back is",
        arguments: [
            ("queue", 0, false, 0), ("queue", 0, true, 0),
            // The companion gave it back: that beginning is still at hand.
            ("queue", 3, false, 2), ("companion", 1, false, 0), ("companion", 5, false, 4),
            // To be delivered there was to begin.
            ("companion", 1, true, 1), ("companion", 5, true, 5),
            // Numbers from outside.
            ("queue", -4, false, 0), ("companion", Int.max, true, 1_000_000),
        ])
    func attempts(_ tag: String, _ count: Int, _ redelivered: Bool, _ attempts: Int) {
        var message = message
        if count != 0 { message.headers["x-celeriac-attempts"] = .int(Int64(count)) }
        #expect(state().attempts(of: delivery(message, from: tag, redelivered: redelivered)) == attempts)
    }

    @Test("An unbegun message of a companion goes back there with its count, one that has begun is flagged")
    func goingBack() throws {
        let moved = message.moved(attempts: 2, queue: "celery")
        let returned = try #require(state().returned(delivery(moved, from: "companion")))
        #expect(returned.target == "celery.redelivered" && returned.message == moved)
        #expect(state().returned(delivery(moved, from: "companion", redelivered: true)) == nil)
        #expect(state().returned(delivery(message, from: "queue")) == nil)
    }

    @Test("A message that a quorum queue would soon drop is published anew")
    func renewal() throws {
        var counted = message
        counted.headers["x-delivery-count"] = 9
        #expect(state().returned(delivery(counted, from: "queue", redelivered: true)) == nil)
        counted.headers["x-delivery-count"] = 10
        let returned = try #require(state().returned(delivery(counted, from: "queue", redelivered: true)))
        #expect(returned.target == "celery" && returned.message == message.moved(attempts: 0, queue: "celery"))
        #expect(MessageOrigin(returned.message, in: "celery")?.routingKey == "celery")
        // It is a first delivery again, of the message as its sender published it.
        var next = state()
        next.buffer += [delivery(returned.message, from: "queue")]
        let taken = try #require(next.take(1, countsInMessages: true, name: { _ in nil }, attempts: { _ in 0 }).first)
        let restored = try taken.content.get()
        #expect(restored.headers["CC"] == ["copies"] && restored.properties == message.properties)
        #expect(restored.headers.count == message.headers.count)
        #expect(!taken.redelivered && taken.attempts == 0)
        let defect = AMQPDelivery.Defect(reason: "torn", propertyBytes: [], isBodyMissing: false)
        #expect(state().returned(delivery(counted, from: "queue", redelivered: true, defect: defect)) == nil)
    }

    @Test("The arguments of a queue say where its dead letters go")
    func deadLetters() {
        #expect(DeadLetterAddress(["x-dead-letter-routing-key": "dead"]) == nil)
        #expect(DeadLetterAddress(["x-dead-letter-exchange": 1]) == nil)
        let address = DeadLetterAddress(["x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"])
        #expect(address?.exchange == "" && address?.routingKey == "dead")
        #expect(DeadLetterAddress(["x-dead-letter-exchange": "e"])?.routingKey == nil)
    }

    @Test("Names of companions fit AMQP's 255 bytes")
    func names() {
        #expect(RedeliveredMessage.companion(of: "celery") == "celery.redelivered")
        let long = RedeliveredMessage.companion(of: String(repeating: "ü", count: 127))
        #expect(long.utf8.count <= 255 && long.hasSuffix("ü.redelivered"))
    }
}

extension WireMessage {
    /// The message as a worker publishes it anew that got it straight from its queue.
    func moved(attempts: Int, queue: String) -> WireMessage {
        AMQPDelivery(
            consumerTag: "", deliveryTag: 1, redelivered: true, exchange: "", routingKey: queue, message: self,
            defect: nil
        ).moved(attempts: attempts, from: queue, to: attempts > 0 ? .companion : .queue)
    }
}
#endif
