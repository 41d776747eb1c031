#if AMQP && Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix

/// A Redis Cluster, and applications that use it.
struct ClusterSite: Sendable {
    /// The prefix of Celery's keys, which keeps them in one slot.
    static let prefix = "{celery}"
    /// The settings by which Python uses that prefix.
    static let settings: [String: WireValue] = [
        "broker_transport_options": ["global_keyprefix": .string(prefix)],
        "result_backend_transport_options": ["global_keyprefix": .string(prefix)],
    ]

    let cluster: RedisClusterServer
    /// A client that finds every key.
    let redis: RedisClient

    static func start(hasReplicas: Bool = false) async throws -> ClusterSite {
        let cluster = try await RedisClusterServer.start(hasReplicas: hasReplicas)
        // The last master serves the queue of neither dialect.
        let redis = RedisClient(
            RedisConfiguration(host: "127.0.0.1", port: cluster.masters[2].port),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "live"))
        return ClusterSite(cluster: cluster, redis: redis)
    }

    /// The cluster as a dialect's URL names it: one node with Celery, and all with Machinery.
    func url(_ dialect: DialectUnderTest, database: Int = 0) -> String {
        let hosts = cluster.masters.map { "127.0.0.1:\($0.port)" }
        return switch dialect {
        case .celery: "redis://\(hosts[0])/\(database)"
        case .machinery: "redis://\(hosts.joined(separator: ","))/\(database)"
        }
    }

    /// The key of a dialect's queue.
    func queue(_ dialect: DialectUnderTest) -> String {
        switch dialect {
        case .celery: Self.prefix + dialect.queue
        case .machinery: dialect.queue
        }
    }

    /// The slot of a dialect's queue.
    func slot(_ dialect: DialectUnderTest) -> Int { RedisSlot(ofKey: queue(dialect)).number }

    /// An application, as worker and sender.
    func application(_ dialect: DialectUnderTest, logger: Logger) throws -> FieldSite {
        let url = url(dialect)
        switch dialect {
        case .celery:
            var configuration = CeleryConfiguration()
            configuration.redis.keyPrefix = Self.prefix
            configuration.resultKeyPrefix = Self.prefix
            let app = try CeleryApp(broker: url, results: url, configuration: configuration, logger: logger)
            return FieldSite(
                app: app, queue: dialect.queue,
                worker: { handlers in
                    app.worker(WorkerConfiguration(queues: ["celery"], concurrency: 4, prefetchMultiplier: 4)) {
                        handlers
                    }
                },
                close: { await app.close() })
        case .machinery:
            let app = try MachineryServer(
                configuration: MachineryConfiguration(broker: url, resultBackend: url), logger: logger)
            return FieldSite(
                app: app, queue: dialect.queue,
                worker: { handlers in app.worker(consumerTag: "test", concurrency: 4) { handlers } },
                close: { await app.close() })
        }
    }

    /// Waits until no message of a dialect's queue waits or is claimed.
    func untilEmpty(_ dialect: DialectUnderTest) async throws {
        let claims =
            switch dialect {
            case .celery: Self.prefix + "unacked"
            case .machinery: "{\(dialect.queue)}.celeriac.claims"
            }
        for key in [queue(dialect), claims] {
            try await until { try await redis.send(RedisCommand("EXISTS", key)).int == 0 }
        }
    }

    func stop() async {
        await redis.close()
        await cluster.stop()
    }
}
#endif
