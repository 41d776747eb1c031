import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
import Testing

/// A bridge between two systems in memory.
@Suite(.timeLimit(.minutes(2))) struct BridgeRunTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")
    private static let fail = TaskDefinition<Void>("fail")

    @Test func machineryTaskRunsAtACeleryWorker() async throws {
        let bench = try BridgeBench()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.add.handler { $0 + $1 }
            Self.fail.handler { throw TaskFailure("ValueError", "boom") }
        }
        try await withBridge(bench.toCelery()) {
            try await withRunning(worker) {
                let sum = try await bench.machinery.send(Self.add(2, 3))
                #expect(try await sum.get(timeout: .seconds(60)) == 5)
                let failure = try await bench.machinery.send(Self.fail())
                let error = await #expect(throws: RemoteTaskError.self) {
                    try await failure.get(timeout: .seconds(60))
                }
                #expect(error?.message == "ValueError: boom")
            }
        }
        #expect(bench.notes.count(in: BridgeRoute.toCelery.noteQueue) == 0)
    }

    @Test func celeryTaskRunsAtAMachineryWorker() async throws {
        let bench = try BridgeBench()
        let worker = bench.machinery.worker(consumerTag: "test", concurrency: 2) {
            TaskDefinition<Int, Int, Int>("go_add").handler { $0 + $1 }
            Self.fail.handler { throw TaskFailure("error", "bad") }
        }
        let bridge = bench.toMachinery { $0.tasks = TaskTable([TaskRule("add", to: "go_add")]) }
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let sum = try await bench.celery.send(Self.add(2, 3))
                #expect(try await sum.get(timeout: .seconds(60)) == 5)
                let failure = try await bench.celery.send(Self.fail())
                let error = await #expect(throws: RemoteTaskError.self) {
                    try await failure.get(timeout: .seconds(60))
                }
                #expect(error?.type == "RuntimeError")
                #expect(error?.message == "bad")
            }
        }
    }

    @Test func chainHasStepsOnBothSides() async throws {
        let bench = try BridgeBench()
        let go = bench.machinery.worker(consumerTag: "test", concurrency: 2) { Self.add.handler { $0 + $1 } }
        let own = bench.celery.worker(WorkerConfiguration(queues: ["own"])) {
            TaskDefinition<Int, Int, Int>("multiply").handler { $0 * $1 }
        }
        try await withBridge(bench.toMachinery()) {
            try await withRunning(go) {
                try await withRunning(own) {
                    let multiply = TaskDefinition<Int, Int, Int>("multiply")
                    let result = try await bench.celery.send(Self.add(2, 3).then(multiply, 10))
                    #expect(try await result.get(timeout: .seconds(60)) == 50)
                }
            }
        }
    }

    @Test func refusedMessageFailsAndIsParked() async throws {
        let bench = try BridgeBench()
        let result = try await bench.celery.send(
            Self.add(2, 3), timeLimits: TimeLimits(hard: .seconds(5)))
        try await withBridge(bench.toMachinery()) {
            await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
            await until { bench.celeryBroker.parked(from: "celery").count == 1 }
        }
        let parked = try #require(bench.celeryBroker.parked(from: "celery").first)
        #expect(parked.fault.reason == "timeLimits")
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 0)
    }

    @Test func replyOutlivesTheBridge() async throws {
        let bench = try BridgeBench()
        let result = try await bench.machinery.send(Self.add(2, 3))
        try await bench.toCelery().serve(until: { bench.celeryBroker.count(in: "celery") == 1 })
        #expect(bench.notes.count(in: BridgeRoute.toCelery.noteQueue) == 1)
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withBridge(bench.toCelery()) {
            try await withRunning(worker) {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
        }
    }

    @Test func repeatedMessageIsForwardedOnce() async throws {
        let bench = try BridgeBench()
        let signature = MachinerySignature(uuid: "task_1", name: "add", args: [])
        try await bench.machinery.send(signature)
        try await bench.machinery.send(signature)
        let bridge = bench.toCelery { $0.inFlight = 1 }
        try await bridge.serve(until: { bridge.status["to-celery"]?.repeated == 1 })
        #expect(bench.celeryBroker.count(in: "celery") == 1)
    }

    @Test func redeliveredMessageOfAFinishedTaskIsNotRunAgain() async throws {
        let bench = try BridgeBench()
        let result = try await bench.machinery.send(Self.add(2, 3))
        // A bridge has died before its acknowledgement: the task has ended, and the message comes again.
        let consumer = try await bench.machineryBroker.consume(
            ConsumerOptions(queues: ["machinery_tasks"], prefetch: 1, nodeName: "dead"))
        let delivery = try #require(try await consumer.next(atMost: 1).first)
        let message = try delivery.content.get()
        let signature = try MachinerySignature.decode(message.body)
        let id = String(signature.uuid.dropFirst("task_".count))
        let meta = CeleryResultMeta(status: "SUCCESS", result: 5, taskID: id)
        try await bench.celeryResults.store([ResultRecord(taskID: id, state: .success, payload: try meta.encode())])
        try await consumer.close()
        try await withBridge(bench.toCelery()) {
            let value = try await result.get(timeout: .seconds(60))
            #expect(value == 5)
        }
        #expect(bench.celeryBroker.count(in: "celery") == 0)
    }

    @Test func rehearsalShowsTheTranslationAndSendsNothing() async throws {
        let bench = try BridgeBench()
        for name in ["add", "other"] {
            try await bench.machinery.send(
                MachinerySignature(
                    uuid: "task_\(name)", name: name, args: [MachineryArgument(type: "int64", value: 7)]))
        }
        let bridge = bench.toCelery { $0.tasks = TaskTable([TaskRule("add", to: "tasks.add")], passesOthers: false) }
        let lines = try await bridge.rehearse(atMost: 2)
        #expect(lines.count == 2)
        let told = try lines.map { try WireJSON.decode(Array($0.utf8)) }
        #expect(told[0]["messages"]?[0]?["headers"]?["task"] == "tasks.add")
        #expect(told[0]["messages"]?[0]?["body"]?[0] == [7])
        #expect(told[1]["refused"] == "unknownTask")
        #expect(bench.celeryBroker.count(in: "celery") == 0)
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 2)
    }

    @Test func loopIsRefused() async throws {
        let bench = try BridgeBench()
        var signature = MachinerySignature(uuid: "task_1", name: "add", args: [])
        signature.headers = ["celeriac-bridge": "celeriac:to-celery"]
        try await bench.machinery.send(signature)
        let bridge = bench.toCelery()
        try await bridge.serve(until: { bench.machineryBroker.parked(from: "machinery_tasks").count == 1 })
        #expect(bench.machineryBroker.parked(from: "machinery_tasks").first?.fault.reason == "loop")
        #expect(bench.celeryBroker.count(in: "celery") == 0)
    }
}

extension Bridge {
    /// Runs until a condition holds.
    fileprivate func serve(until condition: @escaping @Sendable () -> Bool) async throws {
        try await withBridge(self) { await until(condition) }
    }
}
