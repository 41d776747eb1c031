import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOCore
import NIOPosix
import Testing

#if Redis
import CeleriacRedis
#endif

/// What settings of connections and queues do at real servers.
@Suite("Settings of connections", .timeLimit(.minutes(5)))
struct ConnectionSettingTests {
    private static let logger: Logger = {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return logger
    }()

    #if Redis
    /// A Redis server, what steers it, and applications whose results are there.
    private struct Site {
        let server: RedisServer
        let admin: RedisClient

        init() async throws {
            server = try await RedisServer.start(.init(persistent: false))
            admin = RedisClient(
                try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
                logger: ConnectionSettingTests.logger)
        }

        func app(_ settings: String...) throws -> CeleryApp {
            let lines = ["broker_url: memory://", "result_backend: redis://127.0.0.1:\(server.port)/1"] + settings
            return try CeleryApp(
                settings: CelerySettings(yaml: Array(lines.joined(separator: "\n").utf8)),
                logger: ConnectionSettingTests.logger)
        }

        /// Has the server answer nobody for a while.
        func pause(milliseconds: Int) async throws {
            _ = try await admin.send(RedisCommand("CLIENT", "PAUSE", milliseconds, "ALL"))
        }

        /// Looks for a result that is not there.
        func look(_ app: CeleryApp) async throws {
            _ = try await app.result("nobody", as: WireValue.self).untyped()
        }

        func stop() async {
            await admin.close()
            await server.stop()
        }
    }

    @Test("redis_username, redis_password and redis_client_name log in to the result store")
    func login() async throws {
        let site = try await Site()
        _ = try await site.admin.send(
            RedisCommand("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all"))
        let app = try site.app("redis_username: app", "redis_password: secret", "redis_client_name: mine")
        try await site.look(app)
        let clients = try await site.admin.send(RedisCommand("CLIENT", "LIST")).string ?? ""
        let mine = clients.split(separator: "\n").filter { $0.contains(" name=mine ") }
        #expect(!mine.isEmpty && mine.allSatisfy { $0.contains(" user=app ") }, "\(clients)")
        await app.close()
        let stranger = try site.app("redis_username: app", "redis_password: wrong")
        await #expect(throws: CeleriacError.self) { try await site.look(stranger) }
        await stranger.close()
        await site.stop()
    }

    @Test("redis_socket_timeout bounds the wait for an answer")
    func answerTimeout() async throws {
        let site = try await Site()
        let patient = try site.app()
        let hasty = try site.app("redis_socket_timeout: 1")
        for app in [patient, hasty] { try await site.look(app) }
        // Shorter than the wait without the setting.
        try await site.pause(milliseconds: 15_000)
        await #expect(throws: CeleriacError.self) { try await site.look(hasty) }
        try await site.look(patient)
        for app in [patient, hasty] { await app.close() }
        await site.stop()
    }

    @Test("redis_socket_connect_timeout is how long a login may take")
    func connectTimeout() async throws {
        let site = try await Site()
        let app = try site.app("redis_socket_connect_timeout: 3600")
        // Longer than the wait without the setting.
        try await site.pause(milliseconds: 7_000)
        try await site.look(app)
        await app.close()
        await site.stop()
    }
    #endif

    #if AMQP
    @Test("broker_heartbeat is agreed on with RabbitMQ, by a Swift worker as by Python's")
    func heartbeat() async throws {
        let server = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let (proxy, url) = try await RecordingProxy.start(before: server)
        let yaml = "{broker_url: '\(url)', result_backend: 'rpc://', broker_heartbeat: 7}"
        let app = try CeleryApp(settings: CelerySettings(yaml: Array(yaml.utf8)), logger: Self.logger)
        try await withRunning(app.worker(queues: ["celery"], concurrency: 1) { MatrixTasks.handlers }) {}
        await app.close()
        let ours = Self.heartbeats(proxy.sent)
        #expect(Set(ours) == [7], "\(ours)")
        let python = try await PythonPeer(broker: url, settings: ["broker_heartbeat": 7]).startWorker()
        // Python's connections that only publish have none.
        let pythons = Self.heartbeats(Array(proxy.sent.dropFirst(ours.count)))
        #expect(pythons.contains(7), "\(pythons)")
        await python.stop()
        try await proxy.stop()
    }

    /// How many seconds the clients of connections have agreed on in `connection.tune-ok`.
    private static func heartbeats(_ connections: [[UInt8]]) -> [UInt16] {
        var found: [UInt16] = []
        for sent in connections {
            AMQPMethods.forEach(in: sent.dropFirst(8)) { _, method, arguments in
                guard method == (10, 31),
                    let (_, _, seconds) = arguments.readMultipleIntegers(as: (UInt16, UInt32, UInt16).self)
                else { return }
                found.append(seconds)
            }
        }
        return found
    }

    @Test("task_queue_max_priority declares queues as Python's does, which RabbitMQ compares")
    func maximumPriority() async throws {
        let site = try await MatrixSite(.rabbitRPC, settings: "task_queue_max_priority: 9")
        let worker = site.app.worker(queues: ["celery"], concurrency: 1) { MatrixTasks.handlers }
        let driver = try await site.python.startDriver()
        try await withRunning(worker) {
            let sum = try await driver.send("tasks.add", [2, 3])
            #expect(try await driver.get(sum) == .success(5))
        }
        let python = try await site.python.startWorker()
        let sum = try await site.app.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(120))
        #expect(sum == 9)
        await python.stop()
        await driver.stop()
        await site.close()
    }
    #endif
}
