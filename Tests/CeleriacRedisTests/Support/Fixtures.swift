#if Redis
import CeleriacTestKit
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import CeleriacRedis

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

/// Runs a body against a private server without persistence.
func withRedis(
    _ options: RedisServer.Options = .init(persistent: false, configuration: ["enable-debug-command yes"]),
    _ body: (RedisServer) async throws -> Void
) async throws {
    let server = try await RedisServer.start(options)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Runs a body with a client, which is closed at the end.
func withClient(
    _ configuration: RedisConfiguration, _ body: (RedisClient) async throws -> Void
) async throws {
    let client = RedisClient(configuration, eventLoopGroup: group, logger: quiet)
    do {
        try await body(client)
    } catch {
        await client.close()
        throw error
    }
    await client.close()
}

/// The code of the error that a body throws; `nil` if it throws none.
func code(_ body: () async throws -> Void) async -> RedisError.Code? {
    do {
        try await body()
        return nil
    } catch {
        let code = (error as? RedisError)?.code
        if code == nil { Issue.record(error) }
        return code
    }
}

extension RedisConfiguration {
    init(_ server: RedisServer, database: Int = 0) throws(RedisError) {
        try self.init(url: server.url(database: database))
    }
}

extension RedisValue {
    static func text(_ text: String) -> RedisValue { .bulk(Array(text.utf8)) }
}
#endif
