import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import MachineryWire
import Testing

/// Tasks whose replies are not awaited, and those that are awaited for long.
@Suite(.timeLimit(.minutes(2))) struct ReplyTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    private static func withoutReply(_ route: inout BridgeRoute) {
        route.tasks = TaskTable([TaskRule("add", hasReply: false)])
        route.pending = 1
        route.inFlight = 1
    }

    @Test func taskWithoutAReplyHasNoNote() async throws {
        let bench = try BridgeBench()
        for number in 0..<5 {
            try await bench.machinery.send(MachinerySignature(uuid: "task_\(number)", name: "add", args: []))
        }
        let bridge = bench.toCelery(Self.withoutReply)
        try await withBridge(bridge) { await until { bridge.status["to-celery"]?.forwarded == 5 } }
        #expect(bridge.status["to-celery"]?.pending == 0)
        #expect(bench.notes.count(in: BridgeRoute.toCelery.noteQueue) == 0)
        let consumer = try await bench.celeryBroker.consume(
            ConsumerOptions(queues: ["celery"], prefetch: 1, nodeName: "test"))
        let delivery = try #require(try await consumer.next(atMost: 1).first)
        let task = try CeleryTaskMessage.decode(delivery.content.get(), accept: [.json])
        #expect(task.ignoreResult == true)
        try await consumer.close()
    }

    @Test func taskWithoutAReplyMustNotBeFollowed() async throws {
        let bench = try BridgeBench()
        var signature = MachinerySignature(uuid: "task_1", name: "add", args: [])
        signature.onSuccess = [MachinerySignature(uuid: "task_2", name: "other", args: [])]
        try await bench.machinery.send(signature)
        let bridge = bench.toCelery(Self.withoutReply)
        try await withBridge(bridge) {
            await until { bench.machineryBroker.parked(from: "machinery_tasks").count == 1 }
        }
        #expect(bench.machineryBroker.parked(from: "machinery_tasks").first?.fault.reason == "reply")
        #expect(bench.celeryBroker.count(in: "celery") == 0)
    }

    @Test func routeThatWaitsForRepliesSaysSo() async throws {
        let bench = try BridgeBench()
        var results: [AsyncResult<Int>] = []
        let bridge = bench.toCelery {
            $0.pending = 1
            $0.inFlight = 1
        }
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withBridge(bridge) {
            // It may take some more before it holds the first note.
            try await until {
                if bridge.status["to-celery"]?.isFull == true { return true }
                if results.count < 20 { results.append(try await bench.machinery.send(Self.add(results.count, 1))) }
                return false
            }
            let reasons = await BridgeHealth(bridge).reasonsNotReady(
                within: .seconds(1), timers: bench.celery.client.timers)
            #expect(reasons.first?.contains("it waits for replies") == true)
            let status = await BridgeDesk(bridge).answer("bridge_status", [:])
            #expect(status["to-celery"]?["obstacle"]?.stringValue?.contains("it waits for replies") == true)
            try await withRunning(worker) {
                for (number, result) in results.enumerated() {
                    let value = try await result.get(timeout: .seconds(60))
                    #expect(value == number + 1)
                }
                await until { bridge.status["to-celery"]?.obstacle == nil }
            }
        }
    }
}
