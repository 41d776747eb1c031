#if Redis
import Celeriac
import CeleriacWire
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix
import Testing

/// Tests kombu's and Celery's `global_keyprefix`: both languages find each other's messages, results and control keys
/// under it, and write nothing elsewhere.
@Suite("Key prefixes in Redis", .timeLimit(.minutes(5)))
struct KeyPrefixTests {
    @Test func bothWaysUnderOnePrefix() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let python = PythonPeer(
            broker: url, results: url,
            settings: [
                "broker_transport_options": ["global_keyprefix": "broker:"],
                "result_backend_transport_options": ["global_keyprefix": "results"],
            ])
        var configuration = CeleryConfiguration()
        configuration.redis.keyPrefix = "broker:"
        configuration.resultKeyPrefix = "results"
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(broker: url, results: url, configuration: configuration, logger: logger)
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)

        let driver = try await python.startDriver()
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], nodeName: "swift@prefix")
        ) { MatrixTasks.handlers }
        try await withRunning(worker) {
            let id = try await driver.send("tasks.add", [2, 3])
            #expect(try await driver.get(id) == .success(5))
            #expect(try await redis.send(RedisCommand("EXISTS", "results_celery-task-meta-\(id)")).int == 1)
            #expect(try await driver.ping() == [["swift@prefix": ["ok": "pong"]]])
        }

        let pythonWorker = try await python.startWorker()
        let result = try await app.send(MatrixTasks.add(4, 5))
        #expect(try await result.get(timeout: .seconds(120)) == 9)
        #expect(try await driver.state(result.id) == "SUCCESS")
        // A result that one side forgets is gone for the other.
        try await result.forget()
        #expect(try await driver.state(result.id) == "PENDING")
        await pythonWorker.stop()
        await driver.stop()

        let keys = (try await redis.send(RedisCommand("KEYS", "*")).array ?? []).compactMap(\.string)
        #expect(keys.contains("broker:_kombu.binding.celery"))
        #expect(keys.filter { !$0.hasPrefix("broker:") && !$0.hasPrefix("results_") } == [])
        await redis.close()
        await app.close()
    }

    /// The options of kombu's that name the keys of claims and the channels of broadcasts. Kombu sends under every prefix
    /// but receives only under those that begin with a slash and end with a dot: its workers fail with a `KeyError` else.
    @Test func bothWaysUnderOtherNames() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let options: WireValue = [
            "unacked_key": "held", "unacked_index_key": "held.index", "unacked_mutex_key": "held.lock",
            "fanout_prefix": "/fan.", "fanout_patterns": false,
        ]
        let python = PythonPeer(broker: url, results: url, settings: ["broker_transport_options": options])
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let file = try WireJSON.encode([
            "broker_url": .string(url), "result_backend": .string(url), "broker_transport_options": options,
        ])
        let app = try CeleryApp(settings: try CelerySettings(yaml: file), logger: logger)
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)

        let driver = try await python.startDriver()
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], nodeName: "swift@names")
        ) { MatrixTasks.handlers }
        try await withRunning(worker) {
            #expect(try await driver.ping() == [["swift@names": ["ok": "pong"]]])
            let id = try await driver.send("tasks.slow", [600])
            try await until { try await redis.send(RedisCommand("HLEN", "held")).int == 1 }
            #expect(try await redis.send(RedisCommand("ZCARD", "held.index")).int == 1)
            let arguments: WireValue = ["task_id": .string(id), "terminate": true]
            _ = try await driver.ask("control", ["command": "revoke", "arguments": arguments])
            try await until { try await redis.send(RedisCommand("HLEN", "held")).int == 0 }
        }

        let pythonWorker = try await python.startWorker()
        #expect(try await app.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(120)) == 9)
        // Its mailbox may open a little later than its queues.
        try await until { try await !app.control(destination: [pythonWorker.name]).ping().isEmpty }
        await pythonWorker.stop()
        await driver.stop()
        #expect(try await redis.send(RedisCommand("KEYS", "unacked*")).array?.isEmpty == true)
        await redis.close()
        await app.close()
    }

    /// The subscription is cut, and the result is stored meanwhile without reaching a subscriber. The client must read
    /// it once the subscription is back.
    @Test func aResultThatIsMissedDuringAResubscribe() async throws {
        let server = try await RedisServer.start()
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(broker: server.url, results: server.url, logger: logger)
        let redis = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
        let sent = try await app.send(MatrixTasks.add(2, 3))
        let key = "celery-task-meta-\(sent.id)"
        try await withThrowingTaskGroup(of: WireNumber.self) { group in
            group.addTask { try await sent.get() }
            try await until {
                let reply = try await redis.send(RedisCommand("PUBSUB", "NUMSUB", key)).array ?? []
                return reply.last?.int == 1
            }
            let meta =
                #"{"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "task_id": "\#(sent.id)"}"#
            let replies = try await redis.send([
                RedisCommand("MULTI"), RedisCommand("SET", key, meta),
                RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"), RedisCommand("EXEC"),
            ])
            #expect(replies.last?.array?.last?.int == 1)
            #expect(try await group.next() == 5)
        }
        await redis.close()
        await app.close()
        await server.stop()
    }
}
#endif
