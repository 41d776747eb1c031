import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import MachineryWire
import Testing

/// Messages that are copied to a second queue.
@Suite(.timeLimit(.minutes(2))) struct ShadowTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test func shareOfTheTasksIsTaken() {
        let ids = (0..<10_000).map { "task-\($0)" }
        for share in [0.05, 0.5, 0.95] {
            let shadow = RouteShadow(queue: "q", share: share)
            let taken = ids.filter { shadow.takes($0) }
            #expect(abs(Double(taken.count) / 10_000 - share) < 0.03, "\(taken.count)")
            #expect(taken == ids.filter { shadow.takes($0) })
        }
        #expect(ids.allSatisfy { RouteShadow(queue: "q").takes($0) })
    }

    @Test func copyIsATaskOfItsOwn() async throws {
        let bench = try BridgeBench()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let bridge = bench.toCelery { $0.shadow = RouteShadow(queue: "trial") }
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let result = try await bench.machinery.send(Self.add(2, 3))
                #expect(try await result.get(timeout: .seconds(60)) == 5)
                await until { bridge.status["to-celery"]?.shadowed == 1 }
            }
        }
        let copy = try await taken(from: bench.celeryBroker, "trial")
        let task = try CeleryTaskMessage.decode(copy, accept: [.json])
        #expect(task.id.hasSuffix("-shadow"))
        #expect(task.args == [2, 3])
        #expect(task.ignoreResult == true)
        #expect(bench.notes.count(in: BridgeRoute.toCelery.noteQueue) == 0)
    }

    @Test func nothingFollowsACopyBehindAFirewall() async throws {
        let (inside, outside, notes) = (MemoryBroker(), MemoryBroker(), MemoryBroker())
        let results = MemoryResultStore()
        let front = CeleryApp(broker: outside, results: results, logger: BridgeBench.logger)
        let back = CeleryApp(broker: inside, results: results, logger: BridgeBench.logger)
        var route = BridgeRoute(name: "wall", sourceQueue: "celery", targetQueue: "celery")
        route.shadow = RouteShadow(queue: "trial")
        let bridge = Bridge(
            [
                (
                    route, BridgeEnd(.celery, client: front.client, notes: notes, defaultQueue: "celery"),
                    BridgeEnd(.celery, client: back.client, notes: notes, defaultQueue: "celery")
                )
            ], closesEnds: false, logger: BridgeBench.logger)
        _ = try await front.send(Self.add(2, 3).then(Self.add, 4))
        try await withBridge(bridge) { await until { bridge.status["wall"]?.shadowed == 1 } }
        let real = try CeleryTaskMessage.decode(await taken(from: inside, "celery"), accept: [.json])
        let copy = try CeleryTaskMessage.decode(await taken(from: inside, "trial"), accept: [.json])
        #expect(real.embed.chain?.arrayValue?.count == 1)
        #expect(copy.embed.chain?.arrayValue?.isEmpty != false)
        #expect(copy.id == real.id + "-shadow")
        #expect(copy.properties.replyTo == nil || copy.properties.replyTo == "")
    }

    @Test func copyForMachineryBelongsToNoGroup() async throws {
        let bench = try BridgeBench()
        let bridge = bench.toMachinery { $0.shadow = RouteShadow(queue: "trial") }
        _ = try await bench.celery.send(Self.add(2, 3))
        try await withBridge(bridge) { await until { bridge.status["to-machinery"]?.shadowed == 1 } }
        let copy = try MachinerySignature.decode(try await taken(from: bench.machineryBroker, "trial").body)
        #expect(copy.uuid.hasSuffix("-shadow"))
        #expect(copy.args?.map(\.value) == [2, 3])
    }

    private func taken(from broker: MemoryBroker, _ queue: String) async throws -> WireMessage {
        let consumer = try await broker.consume(
            ConsumerOptions(queues: [TaskQueue(queue)], prefetch: 1, nodeName: "test"))
        let delivery = try #require(try await consumer.next(atMost: 1).first)
        try await consumer.settle([Settlement(delivery.receipt, .acknowledge)])
        try await consumer.close()
        return try delivery.content.get()
    }
}
