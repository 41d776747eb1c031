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
