#if Redis
import CeleriacCore
import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import CeleriacRedis

/// Tests connections by way of sentinels, with servers that say what a test wants.
@Suite struct RedisSentinelResolverTests {
    private static let question = "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"

    /// A server of a role that takes every login.
    private static func server(role: String) async throws -> ScriptedServer {
        try await ScriptedServer.start { command in
            switch command {
            case "HELLO 2": "*4\r\n$5\r\nproto\r\n:2\r\n$4\r\nrole\r\n$\(role.utf8.count)\r\n\(role)\r\n"
            default: "+OK\r\n"
            }
        }
    }

    /// A sentinel that names a port of this machine, or none.
    private static func sentinel(_ primary: @escaping @Sendable () -> Int?) async throws -> ScriptedServer {
        try await ScriptedServer.start { command in
            guard command == question else { return "+OK\r\n" }
            guard let port = primary() else { return "*-1\r\n" }
            return "*2\r\n$9\r\n127.0.0.1\r\n$\("\(port)".utf8.count)\r\n\(port)\r\n"
        }
    }

    private func configuration(_ ports: [Int]) -> RedisConfiguration {
        var configuration = RedisConfiguration()
        configuration.sentinels = RedisSentinels(
            ports.map { RedisAddress(host: "127.0.0.1", port: $0) }, primaryName: "mymaster")
        return configuration
    }

    private func connect(_ configuration: RedisConfiguration) async throws {
        let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
        await connection.close()
    }

    private func failure(_ configuration: RedisConfiguration) async -> RedisError? {
        do {
            try await connect(configuration)
            return nil
        } catch {
            return error as? RedisError
        }
    }

    private func questions(_ server: ScriptedServer) -> Int { server.commands.filter { $0 == Self.question }.count }

    @Test func thePrimaryIsFoundPastThoseWhoDoNotKnowIt() async throws {
        let primary = try await Self.server(role: "master")
        let port = primary.port
        let (ignorant, knowing) = (try await Self.sentinel { nil }, try await Self.sentinel { port })
        let configuration = configuration([try FreePort.take(), ignorant.port, knowing.port])
        for _ in 0..<2 { try await connect(configuration) }
        #expect(primary.commands.filter { $0 == "HELLO 2" }.count == 2)
        // The second time the one who knew it was asked first.
        #expect(questions(ignorant) == 1 && questions(knowing) == 2)
        for server in [primary, ignorant, knowing] { try await server.stop() }
    }

    @Test func aReplicaIsNoPrimary() async throws {
        let (replica, primary) = (try await Self.server(role: "slave"), try await Self.server(role: "master"))
        let (old, new) = (replica.port, primary.port)
        let (stale, fresh) = (try await Self.sentinel { old }, try await Self.sentinel { new })
        let configuration = configuration([stale.port, fresh.port])
        let error = await failure(configuration)
        #expect(error?.code == .connectFailed)
        #expect(error?.message.contains("replica") == true, "\(String(describing: error))")
        // The next attempt does not ask the one who was wrong again.
        try await connect(configuration)
        #expect(questions(stale) == 1 && questions(fresh) == 1)
        for server in [replica, primary, stale, fresh] { try await server.stop() }
    }

    @Test func theErrorNamesAllSentinels() async throws {
        let gone = try FreePort.take()
        let ignorant = try await Self.sentinel { nil }
        let error = await failure(configuration([gone, ignorant.port]))
        #expect(error?.code == .connectFailed)
        for part in ["127.0.0.1:\(gone): ", "127.0.0.1:\(ignorant.port): It knows no primary 'mymaster'"] {
            #expect(error?.message.contains(part) == true, "\(String(describing: error))")
        }
        #expect(await failure(configuration([ignorant.port]))?.code == .unknownPrimary)
        try await ignorant.stop()
    }

    @Test func aSilentSentinelCostsOnlyItsShare() async throws {
        let primary = try await Self.server(role: "master")
        let port = primary.port
        let (silent, knowing) = (try await ScriptedServer.start { _ in nil }, try await Self.sentinel { port })
        var configuration = configuration([silent.port, knowing.port])
        configuration.connectTimeout = .seconds(30)
        configuration.sentinels?.timeout = .seconds(1)
        try await connect(configuration)
        #expect(!silent.commands.isEmpty && questions(knowing) == 1)
        for server in [primary, silent, knowing] { try await server.stop() }
    }

    @Test func sentinelsAndPrimaryHaveLoginsOfTheirOwn() async throws {
        let primary = try await Self.server(role: "master")
        let port = primary.port
        let sentinel = try await Self.sentinel { port }
        var configuration = configuration([sentinel.port])
        configuration.user = "me"
        configuration.password = "mine"
        configuration.database = 3
        configuration.sentinels?.user = "asker"
        configuration.sentinels?.password = "theirs"
        try await connect(configuration)
        #expect(sentinel.commands == ["AUTH asker theirs", "HELLO 2", Self.question])
        #expect(primary.commands == ["AUTH me mine", "HELLO 2", "SELECT 3"])
        for server in [primary, sentinel] { try await server.stop() }
    }

    @Test func thePasswordsFileIsReadForEachConnection() async throws {
        let server = try await Self.server(role: "master")
        let folder = try TemporaryFolder("password")
        let path = folder.path + "/password"
        let configuration = try RedisConfiguration(
            url: "redis://me:unused@127.0.0.1:\(server.port)/0?password_file=\(path)")
        let error = await failure(configuration)
        #expect(error?.isOutOfReach == true && error?.cause is CeleriacError)
        for password in ["first", "second"] {
            try Data("\(password)\nmore\n".utf8).write(to: URL(filePath: path))
            try await connect(configuration)
        }
        #expect(server.commands.filter { $0.hasPrefix("AUTH") } == ["AUTH me first", "AUTH me second"])
        try await server.stop()
        folder.remove()
    }

    @Test func theProgramTellsTheLoginForEachConnection() async throws {
        let server = try await Self.server(role: "master")
        let calls = NIOLockedValueBox(0)
        var configuration = RedisConfiguration(host: "127.0.0.1", port: server.port)
        configuration.password = "old"
        configuration.credentials = {
            let call = calls.withLockedValue { calls in
                calls += 1
                return calls
            }
            return (user: "me", password: "p\(call)")
        }
        for _ in 0..<2 { try await connect(configuration) }
        #expect(server.commands.filter { $0.hasPrefix("AUTH") } == ["AUTH me p1", "AUTH me p2"])
        configuration.credentials = { throw CancellationError() }
        let error = await failure(configuration)
        #expect(error?.isOutOfReach == true && error?.cause is CancellationError)
        try await server.stop()
    }
}
#endif
