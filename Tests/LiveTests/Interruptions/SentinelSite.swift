#if AMQP && Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Logging

/// A primary, its replica, and three sentinels that watch them.
struct SentinelSite: Sendable {
    static let name = "mymaster"

    /// Who asks for which password.
    struct Passwords: Sendable {
        let servers = "of-the-servers"
        let sentinels = "of-the-sentinels"
    }

    let primary: RedisServer
    let replica: RedisServer
    private let sentinels: [RedisSentinelServer]
    private let passwords: Passwords?

    /// The options of kombu and Celery that name the primary, and the sentinels' password if they have one.
    var options: WireObject {
        var options: WireObject = ["master_name": .string(Self.name)]
        if let passwords { options["sentinel_kwargs"] = ["password": .string(passwords.sentinels)] }
        return options
    }

    /// Starts the servers, and waits until they know each other.
    static func start(_ passwords: Passwords? = nil) async throws -> SentinelSite {
        // Each may become the other's replica.
        let login = passwords.map { ["masterauth \($0.servers)"] } ?? []
        let primary = try await RedisServer.start(
            .init(password: passwords?.servers, persistent: false, configuration: login))
        let replica = try await RedisServer.start(
            .init(
                password: passwords?.servers, persistent: false,
                configuration: login + ["replicaof 127.0.0.1 \(primary.port)"]))
        var sentinels: [RedisSentinelServer] = []
        for _ in 0..<3 {
            sentinels.append(
                try await RedisSentinelServer.start(
                    watching: primary, as: name, password: passwords?.sentinels,
                    configuration: passwords.map { ["sentinel auth-pass \(name) \($0.servers)"] } ?? []))
        }
        let site = SentinelSite(primary: primary, replica: replica, sentinels: sentinels, passwords: passwords)
        for sentinel in sentinels {
            try await until("a sentinel to find the others and the replica") {
                let state = try await site.ask(sentinel, RedisCommand("SENTINEL", "MASTER", name))
                return state.field("num-other-sentinels")?.int == 2 && state.field("num-slaves")?.int == 1
            }
        }
        try await site.untilReplicated()
        return site
    }

    /// The sentinels as a dialect's URL names them, with the login of the servers behind them.
    func url(_ dialect: DialectUnderTest) -> String {
        let login = passwords.map { "\($0.servers)@" } ?? ""
        let hosts = sentinels.map { "127.0.0.1:\($0.port)" }
        switch dialect {
        case .celery:
            let prefix = login.isEmpty ? "" : ":\(login)"
            return hosts.map { "sentinel://\(prefix)\($0)/0" }.joined(separator: ";")
        case .machinery: return "redis://\(login)\(hosts.joined(separator: ","))/0"
        }
    }

    /// An application that knows nothing but the sentinels, as worker and sender.
    func application(_ dialect: DialectUnderTest, logger: Logger) throws -> FieldSite {
        let url = url(dialect)
        switch dialect {
        case .celery:
            var configuration = CeleryConfiguration()
            configuration.brokerTransportOptions = options
            configuration.resultTransportOptions = options
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
            settings.sentinelPassword = passwords?.sentinels ?? ""
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

    /// Waits until the sentinels have made the replica a primary.
    func untilPromoted() async throws {
        // The sentinels close the connections to a server that they promote, too.
        try await until("the sentinels to promote the replica") {
            (try? await replica.ask(RedisCommand("ROLE")))?.array?.first?.string == "master"
        }
    }

    /// Has the sentinels replace the primary by the replica, and waits until it is the replica's replica: until then it takes
    /// writes that are lost.
    func changePlaces() async throws {
        try await until("a sentinel to begin the fail-over") {
            try await ask(sentinels[0], RedisCommand("SENTINEL", "FAILOVER", Self.name)).error == nil
        }
        // The sentinels close the connections to a server that they make a replica.
        try await until("the old primary to be a replica") {
            (try? await primary.ask(RedisCommand("ROLE")))?.array?.first?.string == "slave"
        }
    }

    /// The ids of the tasks in a dialect's queue at the replica, waiting and claimed.
    func idsAtReplica(of dialect: DialectUnderTest) async throws -> Set<String> {
        // A worker may take some meanwhile: one step sees each of them once.
        let found = try await replica.ask(
            RedisCommand("MULTI"), RedisCommand("LRANGE", dialect.queue, 0, -1),
            RedisCommand("HVALS", dialect == .celery ? "unacked" : dialect.queue + ".celeriac.claims"),
            RedisCommand("EXEC"))
        let messages = (found.array ?? []).flatMap { $0.array ?? [] }.compactMap(\.bytes)
        var ids: Set<String> = []
        for message in messages {
            // With Celery a claim has the message in a list.
            let value = try WireJSON.decode(message)
            let content = value[0] ?? value
            if let id = (content["headers"]?["id"] ?? content["UUID"])?.stringValue { ids.insert(id) }
        }
        return ids
    }

    private func ask(_ sentinel: RedisSentinelServer, _ command: RedisCommand) async throws -> RedisValue {
        var configuration = RedisConfiguration(host: "127.0.0.1", port: sentinel.port)
        configuration.password = passwords?.sentinels
        return try await Self.ask(configuration, [command])
    }

    /// Sends commands over a connection of their own.
    ///
    /// - Returns: the answer to the last one.
    fileprivate static func ask(
        _ configuration: RedisConfiguration, _ commands: [RedisCommand]
    ) async throws -> RedisValue {
        let connection = try await RedisConnection.connect(
            configuration, on: sharedEventLoop(), logger: Logger(label: "live"))
        let reply = try await connection.send(commands).last
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
    /// Sends commands over a connection of their own.
    ///
    /// - Returns: the answer to the last one.
    func ask(_ commands: RedisCommand...) async throws -> RedisValue {
        try await SentinelSite.ask(RedisConfiguration(url: url), commands)
    }

    /// Waits until a replica has what this server has now.
    func untilReplicated(at replica: RedisServer) async throws {
        let offset = try await ask(RedisCommand("ROLE")).array?.dropFirst().first?.int ?? 0
        try await until("the replica to have what the primary has") {
            let role = try await replica.ask(RedisCommand("ROLE")).array ?? []
            return role.count == 5 && role[3].string == "connected" && (role[4].int ?? -1) >= offset
        }
    }
}
#endif
