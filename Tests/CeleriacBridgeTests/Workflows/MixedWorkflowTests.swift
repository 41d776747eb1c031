import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
import NIOConcurrencyHelpers
import Testing

/// Chords whose steps run at both sides.
@Suite(.timeLimit(.minutes(2))) struct MixedWorkflowTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")
    private static let multiply = TaskDefinition<Int, Int, Int>("multiply")
    private static let total = TaskDefinition<[Int], Int>("total")

    private static func member(_ name: String, _ values: [Int64], queue: String = "") -> MachinerySignature {
        var signature = MachinerySignature(
            name: name, args: values.map { MachineryArgument(type: "int64", value: .int($0)) })
        signature.routingKey = queue
        return signature
    }

    @Test func chordOfCeleryHasAStepAtAMachineryWorker() async throws {
        let bench = try BridgeBench()
        let go = bench.machinery.worker(consumerTag: "test", concurrency: 2) { Self.add.handler { $0 + $1 } }
        let own = bench.celery.worker(WorkerConfiguration(queues: ["own"])) {
            Self.multiply.handler { $0 * $1 }
            Self.total.handler { $0.reduce(0, +) }
        }
        try await withBridge(bench.toMachinery()) {
            try await withRunning(go) {
                try await withRunning(own) {
                    let sum = try await bench.celery.send(
                        chord([Self.add(1, 2), Self.multiply(3, 4)], body: Self.total))
                    #expect(try await sum.get(timeout: .seconds(60)) == 15)
                }
            }
        }
    }

    /// A store that counts chords, or is as if its server went away whenever a part is to be added.
    private final class CountingStore: ResultStore {
        private let base = MemoryResultStore()
        private let chords = EagerResults(base: nil, keepsResults: false)
        private let state = NIOLockedValueBox((isDown: false, refused: 0, again: 0))

        var refused: Int { state.withLockedValue { $0.refused } }
        /// How many parts were added of which it was said that they might have completed the chord before.
        var addedAgain: Int { state.withLockedValue { $0.again } }

        func fail(_ isDown: Bool) { state.withLockedValue { $0.isDown = isDown } }

        var name: String { base.name }
        var countsChords: Bool { true }
        func store(_ records: [ResultRecord]) async throws { try await base.store(records) }
        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
            try await base.watch(taskIDs, sink: sink)
        }
        func unwatch(_ taskIDs: [String]) { base.unwatch(taskIDs) }
        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await base.fetch(taskIDs) }
        func forget(_ taskIDs: [String]) async throws { try await base.forget(taskIDs) }
        func close() async { await base.close() }

        func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
            let parts = operations.compactMap { if case .add(let part) = $0 { part } else { nil } }
            let isRefused = state.withLockedValue { state in
                if state.isDown { state.refused += parts.count }
                state.again += state.isDown ? 0 : parts.count { $0.mayHaveCompleted }
                return state.isDown && !parts.isEmpty
            }
            if isRefused { throw CeleriacError(.unavailable, "the server is away") }
            return try await chords.perform(operations)
        }
    }

    /// A bridge that ends between a result and the part of its chord leaves the part to the next one.
    @Test func partThatWasNotAddedFollowsAResultThatIsThere() async throws {
        let bench = try BridgeBench()
        let store = CountingStore()
        let celery = CeleryApp(
            broker: bench.celeryBroker, results: store,
            configuration: CeleryConfiguration(routes: ["total": "own"]), logger: BridgeBench.logger)
        let source = BridgeEnd(.celery, client: celery.client, notes: bench.notes, defaultQueue: "celery")
        func bridge() -> Bridge {
            Bridge(
                [(.toMachinery, source, bench.machineryEnd)], nodeName: "bridge", closesEnds: false,
                logger: BridgeBench.logger)
        }
        let go = bench.machinery.worker(consumerTag: "test", concurrency: 2) { Self.add.handler { $0 + $1 } }
        let own = celery.worker(WorkerConfiguration(queues: ["own"])) { Self.total.handler { $0.reduce(0, +) } }
        store.fail(true)
        let sum = try await celery.send(chord([Self.add(1, 2), Self.add(3, 4)], body: Self.total))
        try await withBridge(bridge()) {
            try await withRunning(go) { await until { store.refused >= 2 } }
        }
        store.fail(false)
        try await withBridge(bridge()) {
            try await withRunning(own) {
                let value = try await sum.get(timeout: .seconds(60))
                #expect(value == 10)
            }
        }
        #expect(store.addedAgain == 2)
        #expect(bench.notes.count(in: BridgeRoute.toMachinery.noteQueue) == 0)
    }

    @Test func chordOfMachineryHasAStepAtACeleryWorker() async throws {
        let bench = try BridgeBench()
        let python = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let own = bench.machinery.worker(consumerTag: "test", queue: "own", concurrency: 2) {
            Self.multiply.handler { $0 * $1 }
            Self.add.handler { $0 + $1 }
        }
        try await withBridge(bench.toCelery()) {
            try await withRunning(python) {
                try await withRunning(own) {
                    let group = MachineryGroup([
                        Self.member("add", [1, 2]), Self.member("multiply", [3, 4], queue: "own"),
                    ])
                    // The callback gets the results of both.
                    let sum = try await bench.machinery.send(
                        MachineryChord(group, callback: Self.member("add", [], queue: "own")))
                    #expect(try await sum.callback.get(timeout: .seconds(60)) == 15)
                }
            }
        }
    }

    @Test func callbackOfAGroupRunsAtTheOtherSide() async throws {
        let bench = try BridgeBench()
        let python = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let own = bench.machinery.worker(consumerTag: "test", queue: "own", concurrency: 2) {
            Self.multiply.handler { $0 * $1 }
        }
        try await withBridge(bench.toCelery()) {
            try await withRunning(python) {
                try await withRunning(own) {
                    let group = MachineryGroup([
                        Self.member("multiply", [1, 2], queue: "own"), Self.member("multiply", [3, 4], queue: "own"),
                    ])
                    let sum = try await bench.machinery.send(
                        MachineryChord(group, callback: Self.member("add", [])))
                    #expect(try await sum.callback.get(timeout: .seconds(60)) == 14)
                }
            }
        }
    }

    @Test func memberThatFailsFailsTheChord() async throws {
        let bench = try BridgeBench()
        let own = bench.celery.worker(WorkerConfiguration(queues: ["own"])) {
            Self.multiply.handler { $0 * $1 }
            Self.total.handler { $0.reduce(0, +) }
        }
        let go = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { _, _ in throw TaskFailure("error", "bad") }
        }
        try await withBridge(bench.toMachinery()) {
            try await withRunning(go) {
                try await withRunning(own) {
                    let sum = try await bench.celery.send(
                        chord([Self.add(1, 2), Self.multiply(3, 4)], body: Self.total))
                    await #expect(throws: RemoteTaskError.self) { try await sum.get(timeout: .seconds(60)) }
                }
            }
        }
    }
}
