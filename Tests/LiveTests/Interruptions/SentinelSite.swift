#if AMQP && Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import Logging

/// A primary, its replica, and three sentinels that watch them.
struct SentinelSite: Sendable {
    static let name = "mymaster"

    let primary: RedisServer
    let replica: RedisServer
    private let sentinels: [RedisSentinelServer]

    /// The options of kombu and Celery that name the primary.
    static let options: WireObject = ["master_name": .string(name)]

    /// Starts the servers, and waits until they know each other.
    static func start() async throws -> SentinelSite {
        let primary = try await RedisServer.start(.init(persistent: false))
        let replica = try await RedisServer.start(
            .init(persistent: false, configuration: ["replicaof 127.0.0.1 \(primary.port)"]))
        var sentinels: [RedisSentinelServer] = []
        for _ in 0..<3 { sentinels.append(try await RedisSentinelServer.start(watching: primary, as: name)) }
        let site = SentinelSite(primary: primary, replica: replica, sentinels: sentinels)
        for sentinel in sentinels {
            try await until {
                let state = try await ask(sentinel.port, RedisCommand("SENTINEL", "MASTER", name))
                return state.field("num-other-sentinels")?.int == 2 && state.field("num-slaves")?.int == 1
            }
        }
        try await site.untilReplicated()
        return site
    }

    /// The sentinels as a dialect's URL names them.
    func url(_ dialect: DialectUnderTest) -> String {
        switch dialect {
        case .celery: sentinels.map { "sentinel://127.0.0.1:\($0.port)/0" }.joined(separator: ";")
        case .machinery: "redis://\(sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))/0"
        }
    }

    /// An application that knows nothing but the sentinels, as worker and sender.
    func application(_ dialect: DialectUnderTest, logger: Logger) throws -> FieldSite {
        let url = url(dialect)
        switch dialect {
        case .celery:
            var configuration = CeleryConfiguration()
            configuration.brokerTransportOptions = Self.options
            configuration.resultTransportOptions = Self.options
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
            var settings = MachineryRedisSettings()
            settings.masterName = Self.name
            let app = try MachineryServer(
                configuration: MachineryConfiguration(broker: url, resultBackend: url, redis: settings), logger: logger)
            return FieldSite(
                app: app, queue: dialect.queue,
                worker: { handlers in app.worker(consumerTag: "test", concurrency: 4) { handlers } },
                close: { await app.close() })
        }
    }

    /// Waits until the replica has what the primary has now.
    func untilReplicated() async throws { try await primary.untilReplicated(at: replica) }

    /// Has the sentinels replace the primary by the replica, and waits until it is the replica's replica: until then it takes
    /// writes that are lost.
    func changePlaces() async throws {
        try await until {
            try await Self.ask(sentinels[0].port, RedisCommand("SENTINEL", "FAILOVER", Self.name)).error == nil
        }
        // The sentinels close the connections to a server that they make a replica.
        await until {
            (try? await Self.ask(primary.port, RedisCommand("ROLE")))?.array?.first?.string == "slave"
        }
    }

    /// Asks a server or sentinel over a connection of its own.
    static func ask(_ port: Int, _ command: RedisCommand) async throws -> RedisValue {
        let connection = try await RedisConnection.connect(
            RedisConfiguration(host: "127.0.0.1", port: port), on: sharedEventLoop(), logger: Logger(label: "live"))
        let reply = try await connection.send([command]).first
        await connection.close()
        return reply ?? .null
    }

    /// Ends all servers that still run.
    func stop() async {
        for sentinel in sentinels { await sentinel.stop() }
        await primary.stop()
        await replica.stop()
    }
}

extension RedisServer {
    /// Waits until a replica has what this server has now.
    func untilReplicated(at replica: RedisServer) async throws {
        let offset = try await SentinelSite.ask(port, RedisCommand("ROLE")).array?.dropFirst().first?.int ?? 0
        try await until {
            let role = try await SentinelSite.ask(replica.port, RedisCommand("ROLE")).array ?? []
            return role.count == 5 && role[3].string == "connected" && (role[4].int ?? -1) >= offset
        }
    }
}
#endif
