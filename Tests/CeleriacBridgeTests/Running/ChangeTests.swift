import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Testing

/// Routes that change while a bridge runs.
@Suite(.timeLimit(.minutes(2))) struct ChangeTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test func routesThatAreTheSameGoOn() async throws {
        let bench = try BridgeBench()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let bridge = bench.toCelery()
        let ends = (source: bench.machineryEnd, target: bench.celeryEnd)
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let first = try await bench.machinery.send(Self.add(1, 1)).get(timeout: .seconds(60))
                #expect(first == 2)
                let same = bridge.change(to: [(.toCelery, ends.source, ends.target)])
                #expect(same == BridgeChange(kept: ["to-celery"]))
                #expect(bridge.status["to-celery"]?.forwarded == 1)

                var faster = BridgeRoute.toCelery
                faster.inFlight = 17
                let other = bridge.change(to: [(faster, ends.source, ends.target)])
                #expect(other == BridgeChange(opened: ["to-celery"]))
                let second = try await bench.machinery.send(Self.add(2, 2)).get(timeout: .seconds(60))
                #expect(second == 4)

                let closed = bridge.change(to: [])
                #expect(closed == BridgeChange(closed: ["to-celery"]))
                #expect(bridge.names.isEmpty)
            }
        }
        // After its end nothing begins any more.
        #expect(bridge.change(to: [(.toCelery, ends.source, ends.target)]).isEmpty)
    }

    @Test func routeThatComesLaterAndFailsLeavesTheOthersAlone() async throws {
        let bench = try BridgeBench()
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let bridge = bench.toCelery()
        let broken = MemoryBroker()
        await broken.close()
        let app = CeleryApp(broker: broken, results: MemoryResultStore(), logger: BridgeBench.logger)
        let dead = BridgeEnd(.celery, client: app.client, notes: broken, defaultQueue: "celery")
        let route = BridgeRoute(name: "dead", sourceQueue: "celery", targetQueue: "celery")
        try await withBridge(bridge) {
            let change = bridge.change(to: [
                (.toCelery, bench.machineryEnd, bench.celeryEnd), (route, dead, bench.celeryEnd),
            ])
            #expect(change == BridgeChange(kept: ["to-celery"], opened: ["dead"]))
            await until { bridge.status["dead"]?.failure != nil }
            let reasons = await BridgeHealth(bridge).reasonsNotReady(
                within: .seconds(1), timers: bench.celery.client.timers)
            #expect(reasons.count == 1)
            #expect(reasons.first?.hasPrefix("the route dead has given up") == true)
            try await withRunning(worker) {
                let sum = try await bench.machinery.send(Self.add(1, 1)).get(timeout: .seconds(60))
                #expect(sum == 2)
            }
            // It may be tried again.
            #expect(bridge.change(to: [(.toCelery, bench.machineryEnd, bench.celeryEnd)]).kept == ["to-celery"])
            #expect(bridge.status["dead"] == nil)
        }
    }

    @Test func routeThatABridgeBeginsWithEndsItWhenItFails() async throws {
        let bench = try BridgeBench()
        await bench.machineryBroker.close()
        let bridge = bench.toCelery()
        await #expect(throws: CeleriacError.self) { try await bridge.run() }
    }
}
