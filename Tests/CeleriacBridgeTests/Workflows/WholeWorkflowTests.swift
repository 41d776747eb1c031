import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
import Testing

/// Chains that the target runs whole, as far as it can.
@Suite(.timeLimit(.minutes(2))) struct WholeWorkflowTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")
    private static let double = TaskDefinition<Int, Int>("double")
    private static let fail = TaskDefinition<Int, Int>("fail")

    private static func int(_ value: Int64) -> MachineryArgument {
        MachineryArgument(type: "int64", value: .int(value))
    }

    @Test(arguments: [true, false])
    func chainOfCeleryRunsAtMachineryWorkers(isWhole: Bool) async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { $0 * 2 }
        }
        let bridge = bench.toMachinery { $0.isWhole = isWhole }
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let last = try await bench.celery.send(Self.add(2, 3).then(Self.double).then(Self.double))
                #expect(try await last.get(timeout: .seconds(60)) == 20)
                // Each step has its state at its sender.
                let middle = try #require(last.parent)
                #expect(try await middle.get(timeout: .seconds(60)) == 10)
                let first = try #require(middle.parent)
                #expect(try await first.get(timeout: .seconds(60)) == 5)
            }
        }
        let status = try #require(bridge.status["to-machinery"])
        #expect(status.forwarded == (isWhole ? 1 : 3))
        #expect(status.replied == 3)
        #expect(bench.celeryBroker.count(in: "celery") == 0)
        #expect(bench.notes.count(in: BridgeRoute.toMachinery.noteQueue) == 0)
    }

    @Test func chainOfMachineryRunsAtCeleryWorkers() async throws {
        let bench = try BridgeBench()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { $0 * 2 }
        }
        let bridge = bench.toCelery()
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let results = try await bench.machinery.send(
                    MachineryChain([
                        MachinerySignature(name: "add", args: [Self.int(2), Self.int(3)]),
                        MachinerySignature(name: "double"),
                    ]))
                #expect(results.count == 2)
                var values: [WireValue] = []
                for result in results { values.append(try await result.get(timeout: .seconds(60))) }
                #expect(values == [5, 10])
            }
        }
        #expect(bridge.status["to-celery"]?.forwarded == 1)
        #expect(bridge.status["to-celery"]?.replied == 2)
    }

    @Test func stepThatTakesNoResultHasItsOwnArguments() async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { $0 * 2 }
        }
        let bridge = bench.toMachinery()
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let last = try await bench.celery.send(Self.add(2, 3).then(Self.double(21).immutable()))
                #expect(try await last.get(timeout: .seconds(60)) == 42)
            }
        }
        #expect(bridge.status["to-machinery"]?.forwarded == 1)
    }

    @Test func stepWithArgumentsBesideTheResultIsSentByTheSource() async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { $0 + $1 }
        }
        let bridge = bench.toMachinery()
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let last = try await bench.celery.send(Self.add(2, 3).then(Self.add, 10))
                #expect(try await last.get(timeout: .seconds(60)) == 15)
            }
        }
        #expect(bridge.status["to-machinery"]?.forwarded == 2)
    }

    @Test func stepThatFailsFailsTheRest() async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { $0 * 2 }
            Self.fail.handler { _ in throw TaskFailure("error", "bad") }
        }
        let bridge = bench.toMachinery()
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let last = try await bench.celery.send(Self.add(2, 3).then(Self.fail).then(Self.double))
                let middle = try #require(last.parent)
                let error = await #expect(throws: RemoteTaskError.self) {
                    try await middle.get(timeout: .seconds(60))
                }
                #expect(error?.message == "bad")
                await #expect(throws: RemoteTaskError.self) { try await last.get(timeout: .seconds(60)) }
            }
        }
        #expect(bridge.status["to-machinery"]?.forwarded == 1)
        #expect(bench.notes.count(in: BridgeRoute.toMachinery.noteQueue) == 0)
    }

    @Test func stepsOutliveTheBridge() async throws {
        let bench = try BridgeBench()
        let last = try await bench.celery.send(Self.add(2, 3).then(Self.double))
        let before = bench.toMachinery()
        try await withBridge(before) { await until { before.status["to-machinery"]?.forwarded == 1 } }
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            Self.add.handler { $0 + $1 }
            Self.double.handler { $0 * 2 }
        }
        let after = bench.toMachinery()
        try await withBridge(after) {
            try await withRunning(worker) {
                #expect(try await last.get(timeout: .seconds(60)) == 10)
                let first = try #require(last.parent)
                #expect(try await first.get(timeout: .seconds(60)) == 5)
            }
        }
        #expect(after.status["to-machinery"]?.forwarded == 0)
        #expect(bench.notes.count(in: BridgeRoute.toMachinery.noteQueue) == 0)
    }

    @Test func stepThatMustNotPassEndsThePartThatIsWhole() async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) { Self.add.handler { $0 + $1 } }
        let bridge = bench.toMachinery { $0.tasks = TaskTable([TaskRule("add")], passesOthers: false) }
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let last = try await bench.celery.send(Self.add(2, 3).then(Self.double))
                await #expect(throws: RemoteTaskError.self) { try await last.get(timeout: .seconds(60)) }
                let first = try #require(last.parent)
                #expect(try await first.get(timeout: .seconds(60)) == 5)
            }
        }
        #expect(bench.celeryBroker.parked(from: "celery").map(\.fault.reason) == ["unknownTask"])
    }
}
