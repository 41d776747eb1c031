import CeleriacWire
import Foundation
import Synchronization

/// One Redis and one RabbitMQ for all tests of a process, started on first use.
///
/// If the environment names servers in `CELERIAC_TEST_REDIS_URL` or `CELERIAC_TEST_AMQP_URL`, those are used and none
/// is started. Servers that were started end with the process.
public actor SharedServers {
    /// This process's servers.
    public static let shared = SharedServers()

    private let redis = Once<RedisServer>()
    private let rabbitMQ = Once<RabbitMQServer>()
    private var lastDatabase = 0
    private var virtualHosts = 0
    private var portions: [Int: Once<Void>] = [:]
    /// How many virtual hosts are made at a time. Each call of `rabbitmqctl` costs more than a second of a processor.
    private static let portion = 8

    /// The URL of Redis, with database 0, which all tests share.
    ///
    /// - Throws: As ``RedisServer/start(_:)``.
    public func redisURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_REDIS_URL") { return url }
        return try await redisServer().url
    }

    /// The URL of a Redis database that this process has not used before.
    ///
    /// If the environment names the Redis server, its databases from 1 on are used. There must be enough of them, and
    /// they must be empty.
    ///
    /// - Throws: As ``RedisServer/start(_:)``.
    public func redisDatabaseURL() async throws -> String {
        let url = try await redisURL()
        lastDatabase += 1
        // This handles URLs with and without a database: redis://host:port/0 and redis://host:port.
        var parts = url.split(separator: "/", omittingEmptySubsequences: false).prefix(3)
        parts.append("\(lastDatabase)")
        return parts.joined(separator: "/")
    }

    /// The URL of RabbitMQ, with the virtual host `/`, which all tests share.
    ///
    /// - Throws: As ``RabbitMQServer/start(_:)``.
    public func rabbitMQURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_AMQP_URL") { return url }
        return try await rabbitMQServer().url
    }

    /// The URL of a new virtual host of RabbitMQ, or the shared one if the environment names the RabbitMQ server.
    ///
    /// - Throws: As ``RabbitMQServer/start(_:)``.
    public func rabbitMQVirtualHostURL() async throws -> String {
        if let url = Self.environment("CELERIAC_TEST_AMQP_URL") { return url }
        let server = try await rabbitMQServer()
        let (number, portion) = (virtualHosts, virtualHosts / Self.portion)
        virtualHosts += 1
        let once = portions[portion] ?? Once()
        portions[portion] = once
        try await once.value {
            let first = portion * Self.portion
            try await server.addVirtualHosts((first..<first + Self.portion).map(Self.virtualHost))
        }
        return server.url(virtualHost: Self.virtualHost(number))
    }

    private static func virtualHost(_ number: Int) -> String { "test-\(number)" }

    private func redisServer() async throws -> RedisServer {
        try await redis.value { try await .start(.init(databases: 1024)) }
    }

    private func rabbitMQServer() async throws -> RabbitMQServer {
        try await rabbitMQ.value { try await .start() }
    }

    private static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name]?.nonEmpty
    }
}

/// A value that the first caller creates while others wait. A failure reaches all waiting callers, and the next caller
/// tries again.
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
