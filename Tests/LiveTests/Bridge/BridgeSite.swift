#if Redis
import Celeriac
import CeleriacBridge
import CeleriacTestKit
import Foundation
import Logging

/// Machinery on Redis, Celery on another server, and a bridge between them.
struct BridgeSite: Sendable {
    /// Where Celery's messages are.
    enum Transport: String, CaseIterable, Sendable {
        case redis = "Redis"
        case rabbitMQ = "RabbitMQ"

        /// Those of this build.
        static var available: [Transport] {
            #if AMQP
            return allCases
            #else
            return [.redis]
            #endif
        }
    }

    let machinery: MachineryServer
    let python: PythonPeer
    private let ends: String

    init(_ transport: Transport) async throws {
        let go = try await SharedServers.shared.redisDatabaseURL()
        let results = try await SharedServers.shared.redisDatabaseURL()
        let broker =
            switch transport {
            case .redis: try await SharedServers.shared.redisDatabaseURL()
            case .rabbitMQ: try await SharedServers.shared.rabbitMQVirtualHostURL()
            }
        machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: go, resultBackend: go), logger: MachineryBench.logger)
        python = PythonPeer(broker: broker, results: results)
        ends = """
            ends:
              go: {dialect: machinery, broker: "\(go)", results: "\(go)"}
              python: {dialect: celery, broker: "\(broker)", results: "\(results)"}

            """
    }

    /// A bridge with these routes.
    func bridge(_ routes: String) throws -> Bridge {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return try Bridge(yaml: Array((ends + routes).utf8), logger: logger)
    }

    /// Runs a bridge while `body` runs, and ends it in good order.
    func withBridge(_ routes: String, _ body: () async throws -> Void) async throws {
        let bridge = try bridge(routes)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bridge.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            bridge.stop()
            try await group.waitForAll()
            try result.get()
        }
    }
}
#endif
