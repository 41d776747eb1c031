#if Redis
import Celeriac
import CeleriacWire
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix

/// An application on its own Redis database, and a bare client for the same database.
struct RedisBench: Sendable {
    let url: String
    let app: CeleryApp
    let redis: RedisClient

    init(visibilityTimeout: Duration = .seconds(3600), logLevel: Logger.Level = .error) async throws {
        url = try await SharedServers.shared.redisDatabaseURL()
        app = try Self.makeApp(url, visibilityTimeout: visibilityTimeout, logLevel: logLevel)
        redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
    }

    static func makeApp(_ url: String, visibilityTimeout: Duration, logLevel: Logger.Level = .error) throws -> CeleryApp
    {
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = visibilityTimeout
        var logger = Logger(label: "test")
        logger.logLevel = logLevel
        return try CeleryApp(broker: url, results: url, configuration: configuration, logger: logger)
    }

    func close() async {
        await app.close()
        await redis.close()
    }

    /// Runs the worker while `body` runs, then stops it gracefully.
    func run<Value: Sendable>(_ worker: TaskWorker, _ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withRunning(worker, body)
    }

    func int(_ command: RedisCommand) async throws -> Int { Int(try await redis.send(command).int ?? -1) }

    /// The ids of the tasks in a list, the next task first.
    func ids(in list: String) async throws -> [String] {
        let payloads = try await redis.send(RedisCommand("LRANGE", list, 0, -1)).array ?? []
        return payloads.reversed().compactMap { payload in
            payload.bytes.flatMap { try? WireJSON.decode($0) }?["headers"]?["id"]?.stringValue
        }
    }
}
#endif
