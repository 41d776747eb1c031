import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import Testing

@testable import CeleryDialect

@Suite("Sent events") struct SentEventTests {
    private let mailbox = FakeMailbox()

    private func broker(over base: any MessageBroker) throws -> SentEventBroker {
        try #require(
            SentEventBroker(base, limits: .default, timers: VirtualTimers(), logger: Logger(label: "test")))
    }

    private func message(_ id: String, protocolVersion: Int = 2) throws -> OutgoingMessage {
        let task = CeleryTaskMessage(task: "tasks.add", id: id, args: [2, 3])
        return OutgoingMessage(
            message: try task.encode(protocolVersion: protocolVersion), routingKey: "math", declaredQueue: "math")
    }

    private var events: [CeleryEvent] { mailbox.published.flatMap { (try? CeleryEvent.decode($0.message)) ?? [] } }

    @Test("go out for each task that was published, as Celery's, and for nothing else")
    func sent() async throws {
        let broker = try broker(over: mailbox)
        let reply = OutgoingMessage(message: WireMessage(body: Array("{}".utf8)), routingKey: "somebody")
        try await broker.publish([try message("a"), reply, try message("b", protocolVersion: 1)])
        #expect(mailbox.published.map(\.exchange) == ["celeryev", "celeryev"])
        #expect(mailbox.published.map(\.routingKey) == ["task.sent", "task.sent"])
        let common: WireObject = [
            "name": "tasks.add", "args": "(2, 3)", "kwargs": "{}", "retries": 0, "eta": nil, "expires": nil,
            "queue": "math", "exchange": "", "routing_key": "math",
        ]
        var second: WireObject = ["uuid": "b"]
        second.merge(common) { $1 }
        var first: WireObject = ["uuid": "a", "root_id": "a", "parent_id": nil]
        first.merge(common) { $1 }
        #expect(events.map(\.fields) == [first, second])
        #expect(events.map(\.kind) == [.taskSent, .taskSent] && events.map(\.clock) == [1, 2])
        #expect(events.allSatisfy { $0.nodeName.hasPrefix("gen\(ProcessFacts.processID)@") })
    }

    @Test("go to the exchange of event_exchange")
    func exchange() async throws {
        var control = CeleryControlConfiguration()
        control.eventExchange = "ours"
        let broker = try #require(
            SentEventBroker(
                mailbox, limits: .default, control: control, timers: VirtualTimers(), logger: Logger(label: "test")))
        try await broker.publish([try message("a")])
        #expect(mailbox.published.map(\.exchange) == ["ours"])
    }

    @Test("have the form of event_serializer", arguments: [CelerySerializer.json, .msgpack, .yaml])
    func form(_ form: CelerySerializer) async throws {
        let broker = try #require(
            SentEventBroker(
                mailbox, limits: .default, content: ControlContent(serializer: form), timers: VirtualTimers(),
                logger: Logger(label: "test")))
        try await broker.publish([try message("a")])
        #expect(mailbox.published.map(\.message.properties.contentType) == [form.contentType])
        #expect(events.map { $0.fields["uuid"] } == ["a"])
    }

    @Test("that cannot be sent fail no task")
    func lost() async throws {
        let broker = try broker(over: mailbox)
        mailbox.fail(1)
        try await broker.publish([try message("a")])
        try await broker.publish([try message("b")])
        #expect(events.map { $0.fields["uuid"] } == ["b"])
    }

    @Test("go out only for those of several tasks that the broker has taken")
    func refused() async throws {
        let refusal = PartialPublishError(
            refused: [0: CeleriacError(.publishFailed, "no")], unknown: [2: CeleriacError(.unavailable, "away")])
        let broker = try broker(over: RefusingBroker(mailbox: mailbox, refusal: refusal))
        await #expect(throws: PartialPublishError.self) {
            try await broker.publish([try message("a"), try message("b"), try message("c")])
        }
        #expect(events.map { $0.fields["uuid"] } == ["b"])
        let logger = Logger(label: "test")
        let silent = SentEventBroker(MemoryBroker(), limits: .default, timers: VirtualTimers(), logger: logger)
        #expect(silent == nil)
    }
}

/// A broker that takes only some messages.
private struct RefusingBroker: MessageBroker {
    let mailbox: FakeMailbox
    let refusal: PartialPublishError

    var name: String { "refusing" }
    func publish(_ messages: [OutgoingMessage]) async throws { throw refusal }
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { throw refusal }
    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? { mailbox }
}
