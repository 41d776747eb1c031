#if AMQP
import CeleriacCore
import CeleriacWire
import Logging
import NIOPosix
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
        _ = state.redelivered.add(companion("companion"))
        return state
    }

    /// A companion as it is while it is consumed, on a channel without a broker.
    private func companion(_ tag: String) -> CompanionSource {
        let connection = AMQPConnection(
            AMQPConfiguration(), on: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return CompanionSource(
            queue: "celery", consumerTag: tag,
            channel: AMQPChannel(connection: connection, id: ChannelID(number: 2, serial: 1)), phase: .active)
    }

    private func take(_ limit: Int = 10, from state: inout AMQPConsumerState) -> [Delivery] {
        state.take(
            limit, countsInMessages: true, name: { $0.headers["id"]?.stringValue }, attempts: { _ in 0 })
    }

    private func delivery(
        _ message: WireMessage, from tag: String, redelivered: Bool = false, defect: AMQPDelivery.Defect? = nil
    ) -> AMQPDelivery {
        AMQPDelivery(
            consumerTag: tag, deliveryTag: 7, redelivered: redelivered, exchange: "", routingKey: "celery",
            message: message, defect: defect)
    }

    private func ids(_ deliveries: [Delivery]) throws -> [String?] {
        try deliveries.map { try $0.content.get().headers["id"]?.stringValue }
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

    @Test(
        "An unbegun message goes back to its queue with its count, where workers find it that know its task",
        arguments: [
            ("companion", false, 2), ("queue", false, 2),
            // To be delivered there was to begin: the next beginning is at hand.
            ("companion", true, 3),
            // Nobody knows whether it has begun.
            ("queue", true, nil),
        ])
    func goingBack(_ tag: String, redelivered: Bool, count: Int?) throws {
        let moved = message.moved(attempts: 2, queue: "celery")
        let returned = state().returned(delivery(moved, from: tag, redelivered: redelivered), tag: 9)
        #expect(returned?.target == count.map { _ in "celery" } && returned?.tag == count.map { _ in 9 })
        #expect(returned?.message == count.map { message.moved(attempts: $0, queue: "celery") })
    }

    @Test("What has no count goes back by a negative acknowledgement")
    func goingBackUncounted() {
        #expect(state().returned(delivery(message, from: "queue"), tag: 7) == nil)
        #expect(state().returned(delivery(message, from: "queue", redelivered: true), tag: 7) == nil)
    }

    @Test("A receipt keeps to its channel when the broker has cancelled the consumer that it came from")
    func receiptTags() throws {
        var state = state()
        let fromQueue = state.receiptTag(of: delivery(message, from: "queue"))
        let fromCompanion = state.receiptTag(of: delivery(message, from: "companion"))
        #expect(fromQueue != fromCompanion)
        let wasCompanion = state.redelivered.cancel("companion")
        let isActiveAgain = state.redelivered.activate(0)
        #expect(wasCompanion && !isActiveAgain)
        #expect(state.redelivered.active.isEmpty && state.redelivered.cancelled == ["celery"])
        #expect(state.receiptTag(of: delivery(message, from: "companion")) == fromCompanion)
        // What is consumed in its place has receipts of its own.
        let added = state.redelivered.add(companion("again"))
        let next = try #require(added)
        let fromNext = state.receiptTag(of: delivery(message, from: "again"))
        #expect(Set([fromQueue, fromCompanion, fromNext]).count == 3)
        #expect(RedeliveredState.parts(of: fromQueue) == nil)
        let parts = try #require(RedeliveredState.parts(of: fromNext))
        #expect(parts.number == next && parts.deliveryTag == 7)
        #expect(!state.redelivered.hasLost(fromNext))
        let lost = state.redelivered.lose(next)
        #expect(lost?.consumerTag == "again" && state.redelivered.cancelled == ["celery", "celery"])
        #expect(state.redelivered.hasLost(fromNext) && !state.redelivered.hasLost(fromCompanion))
        #expect(!state.redelivered.hasLost(fromQueue))
    }

    @Test("What is still being moved is held back, wherever it stands, and nothing else")
    func heldBack() throws {
        var state = state()
        func arrival(_ id: String, from tag: String) -> AMQPDelivery {
            var message = message.moved(attempts: 1, queue: "celery")
            message.headers["id"] = .string(id)
            return delivery(message, from: tag)
        }
        state.buffer += [
            arrival("first", from: "companion"), arrival("moving", from: "companion"),
            arrival("second", from: "queue"), arrival("moving", from: "companion"), arrival("third", from: "queue"),
        ]
        state.redelivered.moving = ["moving"]
        let first = try ids(take(2, from: &state))
        let second = try ids(take(from: &state))
        state.redelivered.moving = []
        let third = try ids(take(from: &state))
        #expect(first == ["first", "second"] && second == ["third"] && third == ["moving", "moving"])
    }

    @Test("The copy of a message that ended meanwhile ends as well, and that of one that runs takes its place")
    func uncertainMoves() throws {
        var state = state()
        func copy(_ id: String, _ count: Int) -> AMQPDelivery {
            var message = message.moved(attempts: count, queue: "celery")
            message.headers["id"] = .string(id)
            return delivery(message, from: "companion")
        }
        for id in ["ended", "running"] { state.redelivered.uncertain.add(id, count: 2) }
        state.redelivered.uncertain.end("ended")
        // The running message itself is not its copy.
        let isCopy = state.redelivered.uncertain.takeCopy(of: "running", count: 1)
        #expect(!isCopy)
        state.buffer += [copy("ended", 2), copy("running", 2), copy("ended", 1), copy("other", 2)]
        let taken = try ids(take(from: &state))
        #expect(taken == ["running", "ended", "other"])
        #expect(state.superseded == [state.receiptTag(of: copy("ended", 2))])
        let hasCopies = [2, 1].map { state.redelivered.uncertain.takeCopy(of: "running", count: $0) }
        #expect(hasCopies == [false, true])
        #expect(state.redelivered.uncertain.isEmpty)
    }

    @Test("Of uncertain moves the latest are remembered")
    func manyUncertainMoves() {
        var moves = UncertainMoves()
        for number in 0...UncertainMoves.most { moves.add("\(number)", count: 1) }
        for number in 0...UncertainMoves.most { moves.end("\(number)") }
        let areCopies = (0...UncertainMoves.most).map { moves.arrive("\($0)", count: 1) }
        #expect(!areCopies[0] && areCopies.dropFirst().allSatisfy(\.self))
        #expect(moves.isEmpty)
    }

    @Test("A message that a quorum queue would soon drop is published anew")
    func renewal() throws {
        var counted = message
        counted.headers["x-delivery-count"] = 1
        #expect(state().returned(delivery(counted, from: "queue", redelivered: true), tag: 7) == nil)
        counted.headers["x-delivery-count"] = 2
        let returned = try #require(state().returned(delivery(counted, from: "queue", redelivered: true), tag: 7))
        #expect(returned.target == "celery" && returned.message == message.moved(attempts: 0, queue: "celery"))
        #expect(MessageOrigin(returned.message, in: "celery")?.routingKey == "celery")
        // It is a first delivery again, of the message as its sender published it.
        var next = state()
        next.buffer += [delivery(returned.message, from: "queue")]
        let all = take(from: &next)
        let taken = try #require(all.first)
        let restored = try taken.content.get()
        #expect(restored.headers["CC"] == ["copies"] && restored.properties == message.properties)
        #expect(restored.headers.count == message.headers.count)
        #expect(!taken.redelivered && taken.attempts == 0)
        let defect = AMQPDelivery.Defect(reason: "torn", propertyBytes: [], isBodyMissing: false)
        #expect(state().returned(delivery(counted, from: "queue", redelivered: true, defect: defect), tag: 7) == nil)
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
