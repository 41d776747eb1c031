import Celeriac
import CeleriacTestKit
import Foundation
import Logging

/// A broker of a test's own, with Celery applications on both sides.
struct BrokerSite: LiveSite {
    /// Which broker, and where results lie.
    enum Kind: String, CaseIterable, Sendable {
        case redis = "Redis + Redis"
        case rabbitMQ = "RabbitMQ + rpc"
        /// For tests in which it matters that RabbitMQ's results outlive it.
        case rabbitMQRedis = "RabbitMQ + Redis"

        /// Those of this build whose results are the broker's own.
        static var available: [Kind] {
            var available: [Kind] = []
            #if Redis
            available.append(.redis)
            #endif
            #if AMQP
            available.append(.rabbitMQ)
            #endif
            return available
        }
    }

    let kind: Kind
    let broker: String
    let results: String
    let python: PythonPeer
    let app: CeleryApp
    let folder: TemporaryFolder
    let visibilityTimeout: Double
    private let server: LiveServer

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - kind: Which broker, and where results lie.
    ///   - visibilityTimeout: Redis's, in seconds.
    /// - Throws: `TestKitError` when the server does not start.
    init(_ kind: Kind, visibilityTimeout: Double = 3600) async throws {
        var settings: [String: WireValue] = ["task_acks_late": true, "worker_prefetch_multiplier": 1]
        server = try await LiveServer.start(kind)
        broker = server.url
        switch server {
        case .redis(let redis):
            results = redis.url(database: 1)
            settings["broker_transport_options"] = [
                "visibility_timeout": .int(Int64(visibilityTimeout)),
                // Python looks for expired claims every second, not every 100 seconds.
                "unacked_restore_interval": 1, "unacked_restore_throttle": 1,
            ]
        case .rabbitMQ:
            results = kind == .rabbitMQ ? "rpc://" : try await SharedServers.shared.redisDatabaseURL()
        }
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = .seconds(visibilityTimeout)
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        self.kind = kind
        self.visibilityTimeout = visibilityTimeout
        self.folder = try TemporaryFolder("live")
        self.python = PythonPeer(broker: broker, results: results, settings: settings)
        self.app = try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger)
    }

    let dialect = "celery"
    let window = 24
    let otherWorker = "python"
    /// What Redis had taken it remembers, results too.
    var keepsResults: Bool { kind != .rabbitMQ }

    func withWorker(_ body: @Sendable () async throws -> Void) async throws {
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 4, prefetchMultiplier: 4)
        ) { MatrixTasks.handlers }
        try await withRunning(worker, body)
    }

    /// A Python worker.
    func startOtherWorker() async throws -> @Sendable () async -> Void {
        let python = try await python.startWorker(pool: .threads, concurrency: 4)
        return { await python.stop() }
    }

    func restart() async throws { try await server.restart() }

    func messages() async throws -> (waiting: Int, unsettled: Int) {
        try await server.messages(in: "celery", redisClaims: [("HLEN", "unacked"), ("ZCARD", "unacked_index")])
    }

    func close() async {
        await app.close()
        await server.stop()
        folder.remove()
    }
}
