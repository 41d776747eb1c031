#if Redis
import Celeriac
import MachineryWire
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Testing

/// A Machinery application with its own Redis database.
struct MachineryBench: Sendable {
    let url: String
    let server: MachineryServer
    let redis: RedisClient

    init(
        broker: String? = nil, backend: String? = nil, amqp: MachineryAMQPOptions? = nil,
        redis settings: MachineryRedisSettings = MachineryRedisSettings(delayedTasksPollPeriod: 20),
        lock: String = "", unregisteredAttempts: Int? = nil, programName: String = "worker"
    ) async throws {
        url = try await SharedServers.shared.redisDatabaseURL()
        redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: broker ?? url, lock: lock == "redis" ? url : lock, resultBackend: backend ?? url, amqp: amqp,
                redis: settings, unregisteredAttempts: unregisteredAttempts, programName: programName),
            logger: Self.logger)
    }

    static var logger: Logger {
        var logger = Logger(label: "machinery")
        logger.logLevel = .critical
        return logger
    }

    /// Runs a worker while `body` runs.
    func run<Result: Sendable>(
        _ worker: TaskWorker? = nil, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withRunning(
            worker ?? server.worker(consumerTag: "test_worker", concurrency: 2) { MachineryTasks.all }, body)
    }

    func int(_ command: RedisCommand) async throws -> Int { try await redis.send(command).int ?? -1 }

    func push(_ message: some Sequence<UInt8>, to queue: String = "machinery_tasks") async throws {
        _ = try await redis.send(RedisCommand("RPUSH", queue, Array(message)))
    }

    func elements(of list: String) async throws -> [[UInt8]] {
        try await redis.send(RedisCommand("LRANGE", list, 0, -1)).array?.compactMap(\.bytes) ?? []
    }

    func state(_ id: String) async throws -> MachineryTaskState? {
        guard let bytes = try await redis.send(RedisCommand("GET", id)).bytes else { return nil }
        return try MachineryTaskState.decode(bytes)
    }

    /// Waits until a task has ended.
    func ended(_ id: String) async throws -> MachineryTaskState {
        try await until { try await state(id)?.isCompleted == true }
        return try #require(try await state(id))
    }

    /// The whole database: each key with its type and content.
    func content() async throws -> [String: [String]] {
        var content: [String: [String]] = [:]
        for key in try await redis.send(RedisCommand("KEYS", "*")).array?.compactMap(\.string) ?? [] {
            let value: RedisValue
            switch try await redis.send(RedisCommand("TYPE", key)).string {
            case "string": value = try await redis.send(RedisCommand("GET", key))
            case "list": value = try await redis.send(RedisCommand("LRANGE", key, 0, -1))
            case "zset": value = try await redis.send(RedisCommand("ZRANGE", key, 0, -1, "WITHSCORES"))
            default: value = .status("?")
            }
            content[key] = (value.array ?? [value]).map { $0.string ?? "" }
        }
        return content
    }

    func close() async {
        await server.close()
        await redis.close()
    }
}
#endif
