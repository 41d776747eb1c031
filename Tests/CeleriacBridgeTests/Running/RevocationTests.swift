import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import NIOConcurrencyHelpers
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacBridge

/// Revocations that a bridge hears of before it begins, or that outlive it.
@Suite(.timeLimit(.minutes(2))) struct RevocationTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")
    private static let queue = "celeriac.revoked.celeriac"

    private func expectRevoked(_ result: AsyncResult<Int>) async {
        let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
        #expect(error?.type == "TaskRevokedError")
    }

    @Test func bridgeKnowsWhatOneWasToldThatIsGone() async throws {
        let bench = try BridgeBench()
        let result = try await bench.celery.send(Self.add(2, 3))
        // It is told, and does nothing more, as if it had been killed.
        let killed = BridgeDesk(bench.toMachinery())
        for _ in 1...2 { _ = await killed.answer("revoke", ["task_id": .string(result.id)]) }
        #expect(bench.notes.count(in: Self.queue) == 1)
        let bridge = bench.toMachinery()
        try await withBridge(bridge) {
            await expectRevoked(result)
            let known = await BridgeDesk(bridge).answer("revoked", [:])
            #expect(known == [.string(result.id)])
        }
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 0)
        // The next one finds it as well.
        #expect(bench.notes.count(in: Self.queue) == 1)
    }

    /// A broker at which another node answers, which keeps messages in memory.
    private final class AnsweringBroker: MessageBroker, AudienceBroker {
        private let memory = MemoryBroker()
        private let ids: WireValue
        private let asked = NIOLockedValueBox<[CeleryControlRequest]>([])

        /// - Parameter ids: the tasks that the other node knows to be revoked.
        init(knowing ids: WireValue) { self.ids = ids }

        var questions: [CeleryControlRequest] { asked.withLockedValue { $0 } }
        var name: String { "answering" }

        func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            try await memory.consume(options)
        }

        func depth(of queue: String) async throws -> Int { memory.count(in: queue) }

        func ask(
            _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
            heard: @escaping @Sendable (_ audience: Int?) -> Void,
            receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
        ) async throws {
            let question = try CeleryControlRequest.decode(request.message)
            asked.withLockedValue { $0.append(question) }
            heard(1)
            let reply = CeleryControlReply(
                nodeName: "other@test", value: ["revoked": ids, "clock": 1], ticket: question.ticket, clock: 9)
            receive(.success(try reply.encode()))
            await enough.wait()
        }

        func close() async { await memory.close() }
    }

    @Test func bridgeLearnsFromOtherNodesBeforeItTakesAMessage() async throws {
        let bench = try BridgeBench()
        let result = try await bench.celery.send(Self.add(2, 3))
        let notes = AnsweringBroker(knowing: [.string(result.id)])
        let target = BridgeEnd(
            .machinery, client: bench.machinery.client, notes: notes, defaultQueue: "machinery_tasks")
        let bridge = Bridge(
            [(.toMachinery, bench.celeryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        try await withBridge(bridge) { await expectRevoked(result) }
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 0)
        #expect(notes.questions.map(\.method) == ["hello"])
        #expect(notes.questions.first?.arguments["from_node"] == "bridge")
    }

    @Test func notesThatCountNoMoreEnd() throws {
        func note(_ ids: WireValue, since: Double, _ tag: UInt64, version: Int64 = 1) throws -> Delivery {
            let value: WireValue = ["version": .int(version), "revoked": ids, "since": .double(since)]
            return delivery(try WireJSON.encode(value), tag)
        }
        func delivery(_ body: [UInt8], _ tag: UInt64) -> Delivery {
            Delivery(
                content: .success(WireMessage(body: body)), queue: Self.queue,
                receipt: Receipt(generation: 0, tag: tag))
        }
        let deliveries = [
            try note(["old"], since: 1, 1), try note(["a"], since: 10_000, 2),
            try note(["b", "c"], since: 10_001, 3), try note(["a"], since: 10_002, 4),
            try note(["d"], since: 10_003, 5, version: 2), delivery(Array("{".utf8), 6),
        ]
        let sorted = RevocationNotes.sorted(deliveries, now: Date(timeIntervalSince1970: 10_802))
        #expect(sorted.ids == ["b", "c", "a"])
        #expect(sorted.kept.map(\.tag) == [3, 4])
        #expect(Set(sorted.ended.map(\.tag)) == [1, 2, 5, 6])
    }
}
