#if Redis
import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging

/// Machinery and Celery, each at a broker of its own, and a bridge between them.
struct BridgeSite: Sendable {
    /// Where messages are.
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

        func url() async throws -> String {
            switch self {
            case .redis: try await SharedServers.shared.redisDatabaseURL()
            case .rabbitMQ: try await SharedServers.shared.rabbitMQVirtualHostURL()
            }
        }
    }

    let machinery: MachineryServer
    let python: PythonPeer
    /// The sides, as a bridge's file has them.
    let ends: String
    private let visibilityTimeout: Int

    /// Makes both.
    ///
    /// - Parameters:
    ///   - transport: where Celery's messages are.
    ///   - goTransport: where Machinery's are.
    ///   - visibilityTimeout: after how many seconds what a killed bridge held comes back at Redis.
    /// - Throws: `TestKitError` if a server cannot be started.
    init(_ transport: Transport, go goTransport: Transport = .redis, visibilityTimeout: Int = 60) async throws {
        self.visibilityTimeout = visibilityTimeout
        let go = try await goTransport.url()
        let goResults = try await SharedServers.shared.redisDatabaseURL()
        let results = try await SharedServers.shared.redisDatabaseURL()
        let broker = try await transport.url()
        machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: go, resultBackend: goResults), logger: MachineryBench.logger)
        python = PythonPeer(broker: broker, results: results)
        let timeout = "visibility_timeout: \(visibilityTimeout)"
        ends = """
            ends:
              go: {dialect: machinery, broker: "\(go)", results: "\(goResults)", \(timeout)}
              python: {dialect: celery, broker: "\(broker)", results: "\(results)", \(timeout)}

            """
    }

    /// A Celery application at the same broker, in Swift.
    func celery() throws -> CeleryApp {
        let settings = python.settings
        guard let broker = settings["broker_url"]?.stringValue, let results = settings["result_backend"]?.stringValue
        else { throw CeleriacError(.configuration, "the peer has no addresses") }
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = .seconds(visibilityTimeout)
        return try CeleryApp(
            broker: broker, results: results, configuration: configuration, logger: MachineryBench.logger)
    }

    /// A bridge with these routes.
    func bridge(_ routes: String) throws -> Bridge {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return try Bridge(yaml: Array((ends + routes).utf8), logger: logger)
    }

    /// Runs a bridge while `body` runs, and ends it in good order.
    func withBridge(_ routes: String, _ body: () async throws -> Void) async throws {
        try await Self.running(try bridge(routes), body)
    }

    /// Runs a bridge while `body` runs, and ends it in good order.
    static func running(_ bridge: Bridge, _ body: () async throws -> Void) async throws {
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
