import Foundation
import Synchronization

/// One Redis and one RabbitMQ for all tests of a process, started when first asked for.
///
/// If the environment names servers by `CELERIAC_TEST_REDIS_URL` or `CELERIAC_TEST_AMQP_URL`, those are used and none is
/// started. The servers that were started end with the process.
public actor SharedServers {
    /// This process's servers.
    public static let shared = SharedServers()

    private let redis = Once<RedisServer>()
    private let rabbitMQ = Once<RabbitMQServer>()
    private var lastDatabase = 0
    private var lastVirtualHost = 0

    /// The URL of Redis: its database 0, which all tests share.
    ///
    /// - Throws: As ``RedisServer/start(_:)``.
    public func redisURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_REDIS_URL") { return url }
        return try await redisServer().url
    }

    /// The URL of a Redis database that nobody was given before in this process.
    ///
    /// Beside a Redis named by the environment, the databases from 1 on are given out: it must have enough of them, and
    /// they must be empty.
    ///
    /// - Throws: As ``RedisServer/start(_:)``.
    public func redisDatabaseURL() async throws -> String {
        let url = try await redisURL()
        lastDatabase += 1
        // Both spellings, with and without a database: redis://host:port/0 and redis://host:port.
        var parts = url.split(separator: "/", omittingEmptySubsequences: false).prefix(3)
        parts.append("\(lastDatabase)")
        return parts.joined(separator: "/")
    }

    /// The URL of RabbitMQ: the virtual host `/`, which all tests share.
    ///
    /// - Throws: As ``RabbitMQServer/start(_:)``.
    public func rabbitMQURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_AMQP_URL") { return url }
        return try await rabbitMQServer().url
    }

    /// The URL of a new virtual host of RabbitMQ; the shared one if RabbitMQ was named by the environment.
    ///
    /// - Throws: As ``RabbitMQServer/start(_:)``.
    public func rabbitMQVirtualHostURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_AMQP_URL") { return url }
        let server = try await rabbitMQServer()
        lastVirtualHost += 1
        let name = "test-\(lastVirtualHost)"
        try await server.rabbitmqctl("add_vhost", name)
        try await server.rabbitmqctl("set_permissions", "--vhost", name, "guest", ".*", ".*", ".*")
        return server.url(virtualHost: name)
    }

    private func redisServer() async throws -> RedisServer {
        try await redis.value { try await .start(.init(databases: 1024)) }
    }

    private func rabbitMQServer() async throws -> RabbitMQServer {
        try await rabbitMQ.value { try await .start() }
    }

    private static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// A value made by the first caller who asks for it; others that ask meanwhile wait for it. A failure reaches all who
/// wait, and the next caller tries again.
actor Once<Value: Sendable> {
    private enum State {
        case none
        case making(waiting: [CheckedContinuation<Value, any Error>])
        case made(Value)
    }

    private var state = State.none

    func value(_ make: @Sendable () async throws -> Value) async throws -> Value {
        switch state {
        case .made(let value): return value
        case .making: return try await withCheckedThrowingContinuation { join($0) }
        case .none: break
        }
        state = .making(waiting: [])
        let result: Result<Value, any Error>
        do { result = .success(try await make()) } catch { result = .failure(error) }
        guard case .making(let waiting) = state else { return try result.get() }
        state = if case .success(let value) = result { .made(value) } else { .none }
        for continuation in waiting { continuation.resume(with: result) }
        return try result.get()
    }

    private func join(_ continuation: CheckedContinuation<Value, any Error>) {
        guard case .making(var waiting) = state else { return }
        waiting.append(continuation)
        state = .making(waiting: waiting)
    }
}
