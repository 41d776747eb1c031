#if Redis
import CeleriacTestKit
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import CeleriacRedis

/// What a client does at nodes that say what a test wants.
@Suite(.timeLimit(.minutes(2))) struct RedisRouterTests {
    /// Which port serves the slot of which key. A test may change it while the nodes run.
    private final class Owners: Sendable {
        private let ports = NIOLockedValueBox<[String: Int]>([:])

        subscript(key: String) -> Int? {
            get { ports.withLockedValue { $0[key] } }
            set { ports.withLockedValue { $0[key] = newValue } }
        }

        /// The reply to `CLUSTER SLOTS`.
        var slots: String {
            let ranges = ports.withLockedValue(\.self).map { key, port in
                let slot = RedisSlot(ofKey: key).number
                return "*3\r\n:\(slot)\r\n:\(slot)\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(port)\r\n"
            }
            return "*\(ranges.count)\r\n\(ranges.joined())"
        }
    }

    private static let hello = "*4\r\n$4\r\nmode\r\n$7\r\ncluster\r\n$2\r\nid\r\n:7\r\n"

    /// A node of a cluster. Whatever is neither a login nor the question for slots is answered by `script`.
    private static func node(
        _ owners: Owners, _ script: @escaping ScriptedServer.Script
    ) async throws -> ScriptedServer {
        try await ScriptedServer.start { command in
            switch command {
            case "HELLO 2": hello
            case "CLUSTER SLOTS": owners.slots
            default: script(command)
            }
        }
    }

    private func configuration(_ server: ScriptedServer) -> RedisConfiguration {
        RedisConfiguration(host: "127.0.0.1", port: server.port)
    }

    private func redirection(_ code: String, _ key: String, to port: Int?) -> String {
        "-\(code) \(RedisSlot(ofKey: key).number) 127.0.0.1:\(port ?? 0)\r\n"
    }

    private let a = RedisCommand("GET", "a")
    private let b = RedisCommand("GET", "b")

    @Test func eachCommandGoesToItsNode() async throws {
        let owners = Owners()
        let (first, second) = (
            try await Self.node(owners) { _ in "+first\r\n" }, try await Self.node(owners) { _ in "+second\r\n" }
        )
        owners["a"] = first.port
        owners["b"] = second.port
        try await withClient(configuration(first)) { client async throws in
            let replies = try await client.send([b, a, RedisCommand("PING"), b])
            #expect(replies.map(\.string) == ["second", "first", "first", "second"])
            #expect(try await client.send(RedisCommand("MGET", "{a}1", "{a}2")).string == "first")
        }
        #expect(first.commands == ["HELLO 2", "CLUSTER SLOTS", "GET a", "PING", "MGET {a}1 {a}2"])
        #expect(second.commands == ["HELLO 2", "GET b", "GET b"])
        for server in [first, second] { try await server.stop() }
    }

    @Test func whoMayNotAskForSlotsIsLedOn() async throws {
        let owners = Owners()
        let second = try await Self.node(owners) { _ in "+second\r\n" }
        owners["b"] = second.port
        let moved = redirection("MOVED", "b", to: second.port)
        let first = try await ScriptedServer.start { command in
            switch command {
            case "HELLO 2": Self.hello
            case "GET b": moved
            default: "-NOPERM this user has no permissions to run it\r\n"
            }
        }
        try await withClient(configuration(first)) { client async throws in
            for _ in 0..<3 { #expect(try await client.send(b).string == "second") }
        }
        #expect(first.commands.count(where: { $0 == "GET b" }) == 1)
        #expect(second.commands.count(where: { $0 == "GET b" }) == 3)
        for server in [first, second] { try await server.stop() }
    }

    @Test func asksWhereASlotMovesTo() async throws {
        let owners = Owners()
        let target = try await Self.node(owners) { command in command == "ASKING" ? "+OK\r\n" : "+target\r\n" }
        let ask = redirection("ASK", "b", to: target.port)
        let source = try await Self.node(owners) { command in command == "GET b" ? ask : "+source\r\n" }
        owners["b"] = source.port
        try await withClient(configuration(source)) { client async throws in
            for _ in 0..<2 {
                let transaction = [RedisCommand("MULTI"), b, RedisCommand("EXEC")]
                #expect(try await client.send([b] + transaction).map(\.string) == Array(repeating: "target", count: 4))
            }
        }
        let asked = ["ASKING", "GET b", "ASKING", "MULTI", "GET b", "EXEC"]
        #expect(target.commands == ["HELLO 2"] + asked + asked)
        for server in [source, target] { try await server.stop() }
    }

    @Test func patienceEndsAndSaysWhatItWaitedFor() async throws {
        let owners = Owners()
        let server = try await Self.node(owners) { command in
            command == "GET b" ? "-TRYAGAIN Multiple keys request during rehashing of slot\r\n" : "+fine\r\n"
        }
        owners["a"] = server.port
        owners["b"] = server.port
        var configuration = configuration(server)
        configuration.connectTimeout = .seconds(2)
        try await withClient(configuration) { client async throws in
            let replies = try await client.send([a, b])
            #expect(replies.first?.string == "fine")
            let error = replies.last?.error
            #expect(error?.code == "TRYAGAIN" && error?.isTemporary == true)
            #expect(error?.message.contains("rehashing") == true && error?.message.contains("tries") == true)
        }
        #expect(server.commands.count(where: { $0 == "GET b" }) > 1)
        #expect(server.commands.count(where: { $0 == "GET a" }) == 1)
        try await server.stop()
    }

    @Test func aNodeThatIsGoneIsReplaced() async throws {
        let owners = Owners()
        let heir = try await Self.node(owners) { _ in "+heir\r\n" }
        let first = try await Self.node(owners) { _ in "+first\r\n" }
        owners["a"] = first.port
        owners["b"] = try FreePort.take()
        try await withClient(configuration(first)) { client async throws in
            #expect(try await client.send(a).string == "first")
            async let late = client.send(b)
            // The others notice only after a while.
            await until { first.commands.count(where: { $0 == "CLUSTER SLOTS" }) > 2 }
            owners["b"] = heir.port
            #expect(try await late.string == "heir")
        }
        for server in [first, heir] { try await server.stop() }
    }

    @Test func aPipelineThatIsDoneInPartMayHaveArrived() async throws {
        let owners = Owners()
        let first = try await Self.node(owners) { _ in "+first\r\n" }
        owners["a"] = first.port
        owners["b"] = try FreePort.take()
        var configuration = configuration(first)
        configuration.connectTimeout = .seconds(2)
        try await withClient(configuration) { client async throws in
            for (commands, mayHaveArrived) in [([a, b], true), ([b], false)] {
                let error = await #expect(throws: RedisError.self) { _ = try await client.send(commands) }
                #expect(error?.isOutOfReach == true && error?.mayHaveArrived == mayHaveArrived)
            }
        }
        try await first.stop()
    }

    @Test func closingEndsWhatPauses() async throws {
        let owners = Owners()
        let server = try await Self.node(owners) { _ in "-CLUSTERDOWN The cluster is down\r\n" }
        owners["a"] = server.port
        var configuration = configuration(server)
        configuration.connectTimeout = .seconds(3600)
        let client = RedisClient(configuration, eventLoopGroup: group, logger: quiet)
        async let end = code { _ = try await client.send([a]) }
        await until { server.commands.count(where: { $0 == "GET a" }) > 2 }
        await client.close()
        #expect(await end == .closed)
        try await server.stop()
    }

    @Test func aClusterThatTheSettingsDoNotFitGetsNoCommand() async throws {
        let owners = Owners()
        let server = try await Self.node(owners) { _ in "+OK\r\n" }
        owners["a"] = server.port
        var refusing = configuration(server)
        refusing.clusterRule = .refused("set a prefix")
        var numbered = configuration(server)
        numbered.database = 3
        for (configuration, part) in [(refusing, "set a prefix"), (numbered, "database")] {
            try await withClient(configuration) { client async throws in
                let error = await #expect(throws: RedisError.self) { _ = try await client.send(a) }
                #expect(error?.code == .unsuitableServer && error?.message.contains(part) == true)
            }
        }
        #expect(!server.commands.contains("GET a"))
        try await server.stop()
    }
}
#endif
