import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
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
