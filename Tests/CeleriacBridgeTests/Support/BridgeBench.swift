import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Logging
import MachineryDialect
import Metrics

/// Both task systems in memory, and a bridge between them.
struct BridgeBench: Sendable {
    let celeryBroker = MemoryBroker()
    let machineryBroker = MemoryBroker()
    let notes = MemoryBroker()
    let celeryResults = MemoryResultStore()
    let machineryResults = MachineryMemoryResults()
    let celery: CeleryApp
    let machinery: MachineryServer

    static var logger: Logger {
        var logger = Logger(label: "bridge")
        logger.logLevel = .critical
        return logger
    }

    /// Makes both, with the chord unlocks of Celery where no route takes them.
    init(metrics: (any MetricsFactory)? = nil) throws {
        var configuration = CeleryConfiguration(
            routes: ["multiply": "own", "total": "own", "celery.chord_unlock": "own"])
        configuration.metrics = metrics
        celery = CeleryApp(
            broker: celeryBroker, results: celeryResults,
            configuration: configuration, logger: Self.logger)
        machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: "memory://", resultBackend: "memory://"),
            broker: machineryBroker, backend: machineryResults, logger: Self.logger)
    }

    var celeryEnd: BridgeEnd {
        BridgeEnd(.celery, client: celery.client, notes: notes, defaultQueue: "celery")
    }

    var machineryEnd: BridgeEnd {
        BridgeEnd(.machinery, client: machinery.client, notes: notes, defaultQueue: "machinery_tasks")
    }

    /// A bridge from Machinery's tasks to Celery's workers.
    func toCelery(_ change: (inout BridgeRoute) -> Void = { _ in }) -> Bridge {
        var route = BridgeRoute.toCelery
        change(&route)
        return Bridge([(route, machineryEnd, celeryEnd)], nodeName: "bridge", closesEnds: false, logger: Self.logger)
    }

    /// A bridge from Celery's tasks to Machinery's workers.
    func toMachinery(_ change: (inout BridgeRoute) -> Void = { _ in }) -> Bridge {
        var route = BridgeRoute.toMachinery
        change(&route)
        return Bridge([(route, celeryEnd, machineryEnd)], nodeName: "bridge", closesEnds: false, logger: Self.logger)
    }
}

/// Runs a bridge while `body` runs, and ends it in good order.
func withBridge<Value: Sendable>(_ bridge: Bridge, _ body: () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bridge.run() }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        bridge.stop()
        try await group.waitForAll()
        return try result.get()
    }
}
