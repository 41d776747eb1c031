#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import TestSupport
import Testing

/// Tests settings that do not fit a cluster: they are refused at once, and the error says what to set.
@Suite("Refusals at a Redis Cluster", .serialized)
struct ClusterRefusalTests {
    private static let next = TaskDefinition<Int, Int>("tasks.next")

    /// Expects that a worker does not begin to serve.
    private func expectRefusal(of worker: TaskWorker, naming part: String) async {
        let error = await #expect(throws: CeleriacError.self) { try await worker.run() }
        #expect(error?.code == .configuration, "\(part)")
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(part), "\(text)")
    }

    @Test("Celery's keys need a prefix with a hash tag, in both stores, and the database 0", .timeLimit(.minutes(3)))
    func celery() async throws {
        let redis = try await ClusterSite.start()
        let cases: [(broker: String, results: String, database: Int, part: String)] = [
            ("", "{celery}", 0, "global_keyprefix in broker_transport_options"),
            ("celery:", "{celery}", 0, "global_keyprefix in broker_transport_options"),
            ("{celery}", "{}", 0, "global_keyprefix in result_backend_transport_options"),
            ("{celery}", "{celery}", 3, "no database but 0"),
        ]
        for (broker, results, database, part) in cases {
            var configuration = CeleryConfiguration()
            configuration.redis.keyPrefix = broker
            configuration.resultKeyPrefix = results
            let url = redis.url(.celery, database: database)
            let app = try CeleryApp(
                broker: url, results: url, configuration: configuration, logger: LogRecorder().logger)
            await expectRefusal(
                of: app.worker(WorkerConfiguration(queues: ["celery"])) { Self.next.handler { $0 } }, naming: part)
            if results == "{celery}" {
                let error = await #expect(throws: CeleriacError.self) { try await app.send(Self.next(1)) }
                #expect(error?.code == .configuration)
            }
            await app.close()
        }
        await redis.stop()
    }

    @Test("Machinery's settings must say that there is a cluster", .timeLimit(.minutes(3)))
    func machinery() async throws {
        let redis = try await ClusterSite.start()
        let single = try await RedisServer.start(.init(persistent: false))
        let cases: [(url: String, isDeclared: Bool, part: String)] = [
            (redis.cluster.masters[0].url, false, "set cluster_enabled"),
            (redis.cluster.masters[0].url(database: 3), false, "set cluster_enabled"),
            (single.url, true, "leave out cluster_enabled"),
        ]
        for (url, isDeclared, part) in cases {
            var settings = MachineryRedisSettings()
            settings.clusterEnabled = isDeclared
            let app = try MachineryServer(
                configuration: MachineryConfiguration(broker: url, resultBackend: url, redis: settings),
                logger: LogRecorder().logger)
            await expectRefusal(
                of: app.worker(consumerTag: "test") { Self.next.handler { $0 } }, naming: part)
            await app.close()
        }
        let numbered = redis.url(.machinery, database: 3)
        let error = #expect(throws: CeleriacError.self) {
            try MachineryServer(configuration: MachineryConfiguration(broker: numbered, resultBackend: numbered))
        }
        #expect(error?.code == .configuration && error.map { "\($0)".contains("no database but 0") } == true)
        await single.stop()
        await redis.stop()
    }
}
#endif
