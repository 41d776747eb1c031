import Celeriac
import CeleriacTestKit
import Foundation
import Logging

/// A private broker with Celery applications in both languages.
struct BrokerSite: LiveSite {
    /// The broker and the result store.
    enum Kind: String, CaseIterable, Sendable {
        case redis = "Redis + Redis"
        case rabbitMQ = "RabbitMQ + rpc"
        /// For tests that need RabbitMQ's results to outlive it.
        case rabbitMQRedis = "RabbitMQ + Redis"

        /// The kinds that this build supports and whose broker stores the results.
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
    let server: LiveServer

    /// Starts a server of a kind, with Redis's visibility timeout in seconds, or of a release of RabbitMQ. Throws
    /// `TestKitError` if the server does not start.
    init(_ kind: Kind, visibilityTimeout: Double = 3600, release: RabbitMQRelease? = nil) async throws {
        var settings: [String: WireValue] = ["task_acks_late": true, "worker_prefetch_multiplier": 1]
        server = try await LiveServer.start(kind, release: release)
        broker = server.url
        switch server {
        case .redis(let redis):
            results = redis.url(database: 1)
            settings["broker_transport_options"] = [
                "visibility_timeout": .int(Int64(visibilityTimeout)),
                // Python looks for expired claims every second instead of every 100 seconds.
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
    /// Redis keeps everything that it has accepted, including results.
    var keepsResults: Bool { kind != .rabbitMQ }

    func withWorker(_ body: @Sendable () async throws -> Void) async throws {
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 4, prefetchMultiplier: 4)
        ) { MatrixTasks.handlers }
        try await withRunning(worker, body)
    }

    /// Starts a Python worker.
    func startOtherWorker() async throws -> @Sendable () async -> Void {
        let python = try await python.startWorker(pool: .threads, concurrency: 4)
        return { await python.stop() }
    }

    func messages() async throws -> (waiting: Int, unsettled: Int) {
        try await server.messages(in: "celery", redisClaims: [("HLEN", "unacked"), ("ZCARD", "unacked_index")])
    }

    func close() async {
        await app.close()
        await server.stop()
        folder.remove()
    }
}
