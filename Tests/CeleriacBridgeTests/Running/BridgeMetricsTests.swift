import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import MachineryWire
import Metrics
import MetricsTestKit
import Testing

/// What a route tells of itself.
@Suite(.timeLimit(.minutes(2))) struct BridgeMetricsTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test func routeCountsWhatPasses() async throws {
        let metrics = TestMetrics()
        let bench = try BridgeBench(metrics: metrics)
        let worker = bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        let bad = MachinerySignature(
            uuid: "task_bad", name: "add", args: [MachineryArgument(type: "int8", value: 300)])
        try await bench.machineryBroker.publish([
            OutgoingMessage(message: WireMessage(body: try bad.encode()), routingKey: "machinery_tasks")
        ])
        try await withBridge(bench.toCelery()) {
            try await withRunning(worker) {
                let result = try await bench.machinery.send(Self.add(2, 3))
                #expect(try await result.get(timeout: .seconds(60)) == 5)
                await until { bench.machineryBroker.parked(from: "machinery_tasks").count == 1 }
            }
        }
        let route = [("route", "to-celery")]
        func total(_ name: MetricName, _ dimensions: [(String, String)]) -> Int64 {
            metrics.counterTotal(label: name.rawValue, dimensions: dimensions)
        }
        #expect(total(.bridgeForwarded, route) == 1)
        #expect(total(.bridgeReplied, route) == 1)
        #expect(total(.bridgeRepeated, route) == 0)
        let reason = try #require(bench.machineryBroker.parked(from: "machinery_tasks").first?.fault.reason)
        #expect(total(.bridgeRefused, route + [("reason", reason)]) == 1)
        for name in [MetricName.bridgeForwarding, .bridgeReplying] {
            let values = metrics.timers(label: name.rawValue, dimensions: route).flatMap(\.values)
            #expect(values.count == 1)
        }
        let pending = try metrics.expectMeter(MetricName.bridgePending.rawValue, route).values
        #expect(pending.contains(1))
        #expect(pending.last == 0)
    }

    /// Tests that alerts do not go on for a route that somebody has ended while messages waited.
    @Test func nothingWaitsForARouteThatHasEnded() async throws {
        let metrics = TestMetrics()
        let bench = try BridgeBench(metrics: metrics)
        let task = MachinerySignature(uuid: "task_1", name: "add", args: [])
        try await bench.machineryBroker.publish([
            OutgoingMessage(message: WireMessage(body: try task.encode()), routingKey: "machinery_tasks")
        ])
        func waiting() -> [Double] {
            (try? metrics.expectMeter(MetricName.bridgeWaiting.rawValue, [("route", "to-celery")]).values) ?? []
        }
        try await withBridge(bench.toCelery { $0.isPaused = true }) { await until { waiting().last == 1 } }
        #expect(waiting().last == 0)
    }
}
