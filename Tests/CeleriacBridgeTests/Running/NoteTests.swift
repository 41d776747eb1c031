import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

/// Notes that come again, and those whose tasks never went.
@Suite(.timeLimit(.minutes(2))) struct NoteTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")
    private static let queue = BridgeRoute.toCelery.noteQueue

    private func worker(at bench: BridgeBench) -> TaskWorker {
        bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
    }

    private func makeBridge(
        _ bench: BridgeBench, notes: any MessageBroker, _ client: TaskClient? = nil
    ) -> Bridge {
        let target = BridgeEnd(
            .celery, client: client ?? bench.celery.client, notes: notes, defaultQueue: "celery")
        return Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
    }

    // MARK: Connections that are lost

    @Test func noteThatComesAgainIsLeftToTheNextBridge() async throws {
        let bench = try BridgeBench()
        let notes = LosingBroker(bench.notes)
        let first = makeBridge(bench, notes: notes)
        let result = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(first) {
            await until { first.status["to-celery"]?.pending == 1 }
            try await notes.loseConnections()
            await until { notes.redelivered == 1 }
        }
        #expect(bench.notes.count(in: Self.queue) == 1)
        try await withBridge(bench.toCelery()) {
            try await withRunning(worker(at: bench)) {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
        }
        #expect(bench.notes.count(in: Self.queue) == 0)
    }

    @Test func noteThatComesAgainEndsWithItsReply() async throws {
        let bench = try BridgeBench()
        let notes = LosingBroker(bench.notes)
        let bridge = makeBridge(bench, notes: notes)
        let result = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(bridge) {
            await until { bridge.status["to-celery"]?.pending == 1 }
            try await notes.loseConnections()
            await until { notes.redelivered == 1 }
            try await withRunning(worker(at: bench)) {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
        }
        #expect(bridge.status["to-celery"]?.replied == 1)
        #expect(bench.notes.count(in: Self.queue) == 0)
    }

    // MARK: Targets that refuse

    /// A broker that refuses all messages.
    private final class RefusingBroker: WrappingBroker {
        private let memory = MemoryBroker()

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { memory }

        func publish(_ messages: [OutgoingMessage]) async throws {
            throw CeleriacError(.argumentMismatch, "the queue is full")
        }

        func close() async { await memory.close() }
    }

    /// A broker whose consumers get nothing.
    private final class DeafBroker: WrappingBroker {
        private let memory: MemoryBroker
        private let empty = MemoryBroker()

        init(_ memory: MemoryBroker) { self.memory = memory }

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { self }

        func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            try await empty.consume(options)
        }

        func close() async { await memory.close() }
    }

    @Test func noteOfARefusedTaskEndsWhoeverHoldsIt() async throws {
        let bench = try BridgeBench()
        let app = CeleryApp(broker: RefusingBroker(), results: bench.celeryResults, logger: BridgeBench.logger)
        let result = try await bench.machinery.send(Self.add(2, 3))
        let first = makeBridge(bench, notes: DeafBroker(bench.notes), app.client)
        try await withBridge(first) {
            await until { bench.machineryBroker.parked(from: "machinery_tasks").count == 1 }
        }
        let parked = try await bench.machineryBroker.parkedMessages(in: "machinery_tasks", after: nil, limit: 10)
        #expect(parked.map(\.reason) == ["targetRefused"])
        let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
        #expect(error?.message?.contains("the queue is full") == true)
        #expect(bench.notes.count(in: Self.queue) == 1)

        let second = bench.toCelery { $0.isPaused = true }
        try await withBridge(second) {
            await until {
                let load = bench.notes.load(of: [Self.queue])
                return load.waiting + load.unsettled == 0
            }
        }
        // The source was told by who has forwarded it.
        #expect(second.status["to-celery"]?.replied == 0)

        // Sent once more it is a task like any other.
        _ = try await bench.machineryBroker.requeueParked(parked.map(\.id), in: "machinery_tasks")
        let third = bench.toCelery()
        try await withBridge(third) {
            await until { third.status["to-celery"]?.forwarded == 1 }
            try await withRunning(worker(at: bench)) {
                await until { third.status["to-celery"]?.replied == 1 }
            }
        }
        #expect(bench.notes.count(in: Self.queue) == 0)
    }

    /// A store that tells whose results were deleted.
    private final class RecordingStore: ResultStore {
        private let base = MemoryResultStore()
        private let deleted = NIOLockedValueBox<[String]>([])

        var forgotten: [String] { deleted.withLockedValue { $0 } }

        var name: String { base.name }
        var replyTo: String { base.replyTo }
        var deliversOnce: Bool { base.deliversOnce }
        func store(_ records: [ResultRecord]) async throws { try await base.store(records) }
        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
            try await base.watch(taskIDs, sink: sink)
        }
        func unwatch(_ taskIDs: [String]) { base.unwatch(taskIDs) }
        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await base.fetch(taskIDs) }
        func forget(_ taskIDs: [String]) async throws {
            deleted.withLockedValue { $0 += taskIDs }
            try await base.forget(taskIDs)
        }
        func close() async { await base.close() }
    }

    @Test func markOfARefusedTaskIsReplacedByItsResultAndNotDeleted() async throws {
        let bench = try BridgeBench()
        let store = RecordingStore()
        let refusing = CeleryApp(broker: RefusingBroker(), results: store, logger: BridgeBench.logger)
        _ = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(makeBridge(bench, notes: DeafBroker(bench.notes), refusing.client)) {
            await until { bench.machineryBroker.parked(from: "machinery_tasks").count == 1 }
        }
        let parked = try await bench.machineryBroker.parkedMessages(in: "machinery_tasks", after: nil, limit: 10)
        _ = try await bench.machineryBroker.requeueParked(parked.map(\.id), in: "machinery_tasks")
        let app = CeleryApp(broker: bench.celeryBroker, results: store, logger: BridgeBench.logger)
        let bridge = makeBridge(bench, notes: bench.notes, app.client)
        let worker = app.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withBridge(bridge) {
            await until { bridge.status["to-celery"]?.forwarded == 1 }
            try await withRunning(worker) { await until { bridge.status["to-celery"]?.replied == 1 } }
        }
        // The result may have come at any moment before that.
        #expect(store.forgotten.isEmpty)
        let load = bench.notes.load(of: [Self.queue])
        #expect(load.waiting + load.unsettled == 0)
    }
}
