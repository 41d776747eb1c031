import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import NIOConcurrencyHelpers
import Testing

@testable import CeleryDialect

private let work = TaskDefinition<String, String>("tasks.work")

/// A broker whose other nodes answer when a test lets them.
private final class Neighbours: MessageBroker, AudienceBroker {
    let mailbox = FakeMailbox()
    /// Open once they may answer.
    let mayAnswer = Gate()
    private let audience: Int?
    private let asked = NIOLockedValueBox<[CeleryControlRequest]>([])
    private let answers = NIOLockedValueBox<[(String, WireValue)]>([])

    /// - Parameter audience: how many hear a question; nil if nobody can say.
    init(audience: Int?) { self.audience = audience }

    /// What they were asked.
    var questions: [CeleryControlRequest] { asked.withLockedValue { $0 } }

    /// Says what they will answer, by their node names.
    func answer(_ values: [(String, WireValue)]) { answers.withLockedValue { $0 = values } }

    var name: String { "neighbours" }

    func publish(_ messages: [OutgoingMessage]) async throws { try await mailbox.publish(messages) }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try await mailbox.consume(options)
    }

    func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? { mailbox }

    func ask(
        _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
        heard: @escaping @Sendable (_ audience: Int?) -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async throws {
        let question = try CeleryControlRequest.decode(request.message)
        asked.withLockedValue { $0.append(question) }
        heard(audience)
        if audience != 0 { try await mayAnswer.waitUnlessCancelled() }
        for (node, value) in answers.withLockedValue({ $0 }) {
            let reply = CeleryControlReply(nodeName: node, value: value, ticket: question.ticket, clock: 9)
            receive(.success(try reply.encode()))
        }
        await enough.wait()
    }
}

@Suite("Mingling", .timeLimit(.minutes(2)))
struct MinglingTests {
    @Test("runs no task that others know to be revoked, and tells them what it knows")
    func learns() async throws {
        let neighbours = Neighbours(audience: 3)
        let bench = ControlBench(mailbox: neighbours.mailbox, broker: neighbours)
        let first = try await bench.client.send(work("a"))
        let second = try await bench.client.send(work("b"))
        let third = try await bench.client.send(work("c"))
        neighbours.answer([
            ("new@test", ["revoked": [.string(first.id)], "clock": 90]),
            ("old@test", ["revoked": .object([second.id: [1.5, .string(second.id)]]), "clock": 2]),
            ("odd@test", ["error": "KeyError('hello')"]),
        ])
        try await bench.run {
            work.handler { $0 }
        } during: {
            await until { neighbours.questions.count == 1 }
            neighbours.mayAnswer.open()
            let value = try await third.get()
            #expect(value == "c")
            for result in [first, second] {
                let error = await #expect(throws: RemoteTaskError.self) { try await result.get() }
                #expect(error?.type == "TaskRevokedError")
            }
        }
        let question = try #require(neighbours.questions.first)
        #expect(question.method == "hello" && question.arguments["from_node"] == "w@test")
        #expect(question.arguments["revoked"] == [])
        #expect(question.replyTo?.exchange == "reply.celery.pidbox")
    }

    @Test("waits for a second at most")
    func silence() async throws {
        let neighbours = Neighbours(audience: nil)
        let bench = ControlBench(mailbox: neighbours.mailbox, broker: neighbours)
        let runs = NIOLockedValueBox(0)
        let result = try await bench.client.send(work("a"))
        try await bench.run {
            work.handler { text in
                runs.withLockedValue { $0 += 1 }
                return text
            }
        } during: {
            await until { neighbours.questions.count == 1 }
            #expect(runs.withLockedValue { $0 } == 0)
            await until {
                bench.timers.advance(by: .seconds(1))
                return runs.withLockedValue { $0 } == 1
            }
            let value = try await result.get()
            #expect(value == "a")
        }
    }

    @Test("does not wait where nobody hears it")
    func solitude() async throws {
        let neighbours = Neighbours(audience: 0)
        let bench = ControlBench(mailbox: neighbours.mailbox, broker: neighbours)
        try await bench.run {
            work.handler { $0 }
        } during: {
            let value = try await bench.client.send(work("a")).get()
            #expect(value == "a")
        }
        #expect(neighbours.questions.count == 1)
    }

    @Test("asks nobody when it is told not to, or takes no such command itself", arguments: [true, false])
    func silent(isTold: Bool) async throws {
        let neighbours = Neighbours(audience: 1)
        let bench = ControlBench(mailbox: neighbours.mailbox, broker: neighbours)
        var control = CeleryControlConfiguration(
            allowedCommands: isTold ? nil : ["ping"], heartbeatInterval: nil)
        control.mingles = !isTold
        try await bench.run(control) {
            work.handler { $0 }
        } during: {
            let value = try await bench.client.send(work("a")).get()
            #expect(value == "a")
        }
        #expect(neighbours.questions.isEmpty)
    }

    @Test("reads ids as a list, and by id as older workers have them")
    func forms() {
        #expect(Mingling.ids(in: ["a", 1, "b"]) == ["a", "b"])
        #expect(Mingling.ids(in: ["c": [1.5, "c"]]) == ["c"])
        for odd: WireValue? in [nil, .null, "a", 5] { #expect(Mingling.ids(in: odd).isEmpty) }
    }
}
