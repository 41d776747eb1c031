import Celeriac
import CeleriacTestKit
import Logging

#if Redis
import CeleriacRedis
#endif

extension LiveServer {
    /// Closes all connections, and refuses the login that the tests use until ``acceptLogins()``.
    func refuseLogins() async throws {
        switch self {
        case .redis(let redis):
            #if Redis
            // A user of its own for the way back.
            try await Self.command(redis.url, "ACL", "SETUSER", "admin", "on", ">secret", "~*", "&*", "+@all")
            try await Self.asAdmin(
                redis, ["ACL", "SETUSER", "default", "resetpass", ">other"], ["CLIENT", "KILL", "USER", "default"])
            #else
            _ = redis
            #endif
        case .rabbitMQ(let rabbitMQ):
            try await rabbitMQ.rabbitmqctl("change_password", "guest", "other")
            try await rabbitMQ.rabbitmqctl("close_all_connections", "the password was changed")
        }
    }

    func acceptLogins() async throws {
        switch self {
        case .redis(let redis):
            #if Redis
            try await Self.asAdmin(redis, ["ACL", "SETUSER", "default", "nopass"])
            #else
            _ = redis
            #endif
        case .rabbitMQ(let rabbitMQ): try await rabbitMQ.rabbitmqctl("change_password", "guest", "guest")
        }
    }

    #if Redis
    /// Changes what a Redis lets everybody do, in the words of `ACL SETUSER`.
    static func change(_ redis: RedisServer, rights: String) async throws {
        try await command(redis.url, "ACL", "SETUSER", "default", rights)
    }

    private static func asAdmin(_ redis: RedisServer, _ commands: [String]...) async throws {
        for words in commands {
            try await command(redis.url.replacing("redis://", with: "redis://admin:secret@"), words)
        }
    }

    private static func command(_ url: String, _ words: String...) async throws { try await command(url, words) }

    private static func command(_ url: String, _ words: [String]) async throws {
        let connection = try await RedisConnection.connect(
            try RedisConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
        var command = RedisCommand(words[0])
        for word in words.dropFirst() { command.append(word) }
        let error = try await connection.send([command]).first?.error
        await connection.close()
        if let error { throw RedisError(error) }
    }
    #endif
}
