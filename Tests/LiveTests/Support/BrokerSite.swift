import Celeriac
import CeleriacTestKit
import Foundation
import Logging

#if Redis
import CeleriacRedis
#endif

/// A broker of a test's own, which it may restart and look into, with the applications on both sides.
struct BrokerSite: Sendable {
    /// Which broker, with its own way to answer.
    enum Kind: String, CaseIterable, Sendable {
        case redis = "Redis + Redis"
        case rabbitMQ = "RabbitMQ + rpc"
        /// For tests in which it matters that RabbitMQ's results outlive it.
        case rabbitMQRedis = "RabbitMQ + Redis"

        /// All three, as far as this build has them.
        static var all: [Kind] {
            #if AMQP && Redis
            available + [.rabbitMQRedis]
            #else
            available
            #endif
        }

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
    private enum Server: Sendable {
        case redis(RedisServer)
        case rabbitMQ(RabbitMQServer)
    }

    let kind: Kind
    let broker: String
    let results: String
    let python: PythonPeer
    let app: CeleryApp
    let folder: TemporaryFolder
    /// In seconds.
    let visibilityTimeout: Int
    private let server: Server

    /// Starts a server.
    ///
    /// - Parameter visibilityTimeout: Redis's, in seconds.
    init(_ kind: Kind, visibilityTimeout: Int = 3600) async throws {
        var settings: [String: WireValue] = ["task_acks_late": true, "worker_prefetch_multiplier": 1]
        switch kind {
        case .redis:
            let redis = try await RedisServer.start()
            server = .redis(redis)
            broker = redis.url
            results = redis.url(database: 1)
            settings["broker_transport_options"] = [
                "visibility_timeout": .int(Int64(visibilityTimeout)),
                // Python looks for expired claims every second, not every 100 seconds.
                "unacked_restore_interval": 1, "unacked_restore_throttle": 1,
            ]
        case .rabbitMQ, .rabbitMQRedis:
            let rabbitMQ = try await RabbitMQServer.start()
            server = .rabbitMQ(rabbitMQ)
            broker = rabbitMQ.url
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

    /// Restarts the broker; what it had stored stays.
    func restart() async throws {
        switch server {
        case .redis(let redis): try await redis.restart()
        case .rabbitMQ(let rabbitMQ): try await rabbitMQ.restart()
        }
    }

    /// How many messages are in the queue `celery`, and how many are claimed and not settled.
    func messages() async throws -> (waiting: Int, unsettled: Int) {
        switch server {
        case .redis:
            return try await redisMessages()
        case .rabbitMQ(let rabbitMQ):
            let lines = try await rabbitMQ.rabbitmqctl(
                "--silent", "list_queues", "name", "messages_ready", "messages_unacknowledged")
            for line in lines.split(separator: "\n") {
                let fields = line.split(separator: "\t")
                if fields.count == 3, fields[0] == "celery" { return (Int(fields[1]) ?? -1, Int(fields[2]) ?? -1) }
            }
            return (0, 0)
        }
    }

    private func redisMessages() async throws -> (waiting: Int, unsettled: Int) {
        #if Redis
        let connection = try await RedisConnection.connect(
            try RedisConfiguration(url: broker), on: sharedEventLoop(), logger: Logger(label: "live"))
        let replies = try await connection.send([
            RedisCommand("LLEN", "celery"), RedisCommand("HLEN", "unacked"), RedisCommand("ZCARD", "unacked_index"),
        ])
        await connection.close()
        let counts = replies.map { Int($0.int ?? -1) }
        return (counts[0], max(counts[1], counts[2]))
        #else
        return (-1, -1)
        #endif
    }

    func close() async {
        await app.close()
        switch server {
        case .redis(let redis): await redis.stop()
        case .rabbitMQ(let rabbitMQ): await rabbitMQ.stop()
        }
        folder.remove()
    }
}
