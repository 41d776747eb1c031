#if Redis
import Celeriac
import CeleriacTestKit
import Testing

/// A private broker with a Machinery application, whose results are in Redis.
struct MachinerySite: LiveSite {
    let app: MachineryServer
    let dialect = "machinery"
    let broker: String
    let results: String
    let folder: TemporaryFolder
    let visibilityTimeout: Double
    let keepsResults = true
    let otherWorker = "other"
    let window: Int
    let server: LiveServer

    init(_ kind: BrokerSite.Kind, visibilityTimeout: Double = 3600) async throws {
        server = try await LiveServer.start(kind)
        broker = server.url
        switch server {
        case .redis(let redis):
            results = redis.url(database: 1)
            window = 16
        case .rabbitMQ:
            results = try await SharedServers.shared.redisDatabaseURL()
            window = 24
        }
        self.visibilityTimeout = visibilityTimeout
        folder = try TemporaryFolder("live")
        app = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: broker, resultBackend: results, amqp: MachineryAMQPOptions(prefetchCount: 16),
                redis: MachineryRedisSettings(claimTimeout: visibilityTimeout)),
            logger: MachineryBench.logger)
    }

    func withWorker(_ body: @Sendable () async throws -> Void) async throws {
        let worker = app.worker(consumerTag: "test", concurrency: 4) { MatrixTasks.handlers }
        try await withRunning(worker, body)
    }

    func startOtherWorker() async throws -> @Sendable () async -> Void {
        let worker = try await LiveWorkerProcess.start(on: self, name: otherWorker)
        return { #expect(await worker.stop() == .exited(0), "\(worker.logged)") }
    }

    func messages() async throws -> (waiting: Int, unsettled: Int) {
        try await server.messages(
            in: "machinery_tasks",
            redisClaims: [
                ("HLEN", "machinery_tasks.celeriac.claims"), ("ZCARD", "machinery_tasks.celeriac.claimed"),
            ])
    }

    func close() async {
        await app.close()
        await server.stop()
        folder.remove()
    }
}
#endif
