#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix
import Testing

@testable import CeleriacQueues

@Suite("Waiting for an element of a list", .timeLimit(.minutes(5)))
struct ListWaitTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func client(_ url: String) throws -> RedisClient {
        RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Self.logger
        )
    }

    private func wait(_ url: String) throws -> ListWait {
        ListWait(
            try RedisConfiguration(url: url), takingFrom: .right, patience: .seconds(3600),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: Self.logger)
    }

    private func untilBlocked(_ count: Int, _ client: RedisClient) async throws {
        while true {
            let list = try await client.send(RedisCommand("CLIENT", "LIST")).bytes ?? []
            let lines = String(decoding: list, as: UTF8.self).split(separator: "\n")
            if lines.count(where: { $0.contains("cmd=blmove") && $0.contains("flags=b") }) == count { return }
            await Task.yield()
        }
    }

    @Test(
        "ends when told to, and again, also for a user who may do nothing dangerous; what still blocks takes nothing",
        arguments: ["+@all", "-@dangerous"])
    func stops(rights: String) async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let client = try client(server.url)
        try await client.send(RedisCommand("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", rights))
        let wait = try wait("redis://worker:secret@127.0.0.1:\(server.port)/0")
        for _ in 0..<2 {
            let stop = Gate()
            async let waiting: Void = wait.wait(for: ["a", "b"], stop: stop)
            try await untilBlocked(2, client)
            stop.open()
            try await waiting
        }
        #expect(try await client.send(RedisCommand("LPUSH", "a", "element")).int == 1)
        try await untilBlocked(1, client)
        #expect(try await client.send(RedisCommand("LRANGE", "a", 0, -1)) == .array([.bulk(Array("element".utf8))]))
        // It is seen by the next wait, which needs no stop.
        try await wait.wait(for: ["a", "b"], stop: Gate())
        // The connection of a list that is not waited for any more is closed.
        try await wait.wait(for: ["a"], stop: Gate())
        try await untilBlocked(0, client)
        await wait.closeAll()
        await client.close()
        await server.stop()
    }

    @Test("wakes every waiting client with one element, which stays, and a client in BRPOP gets it first")
    func wakesAll() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let client = try client(server.url)
        let waits = try (0..<5).map { _ in try wait(server.url) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for wait in waits { group.addTask { try await wait.wait(for: ["list"], stop: Gate()) } }
            try await untilBlocked(5, client)
            _ = try await client.send(RedisCommand("LPUSH", "list", "element"))
            try await group.waitForAll()
        }
        #expect(try await client.send(RedisCommand("RPOP", "list")) == .bulk(Array("element".utf8)))

        let python = try self.client(server.url)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for wait in waits { group.addTask { try await wait.wait(for: ["list"], stop: Gate()) } }
            try await untilBlocked(5, client)
            async let popped = python.send(RedisCommand("BRPOP", "list", 0))
            while try await client.send(RedisCommand("INFO", "clients")).string?.contains("blocked_clients:6") != true {
                await Task.yield()
            }
            _ = try await client.send(RedisCommand("LPUSH", "list", "other"))
            #expect(try await popped == .array([.bulk(Array("list".utf8)), .bulk(Array("other".utf8))]))
            try await group.waitForAll()
        }
        for wait in waits { await wait.closeAll() }
        await python.close()
        await client.close()
        await server.stop()
    }

    @Test("says why the server will not let it wait")
    func refusal() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let client = try client(server.url)
        _ = try await client.send(RedisCommand("SET", "text", "no list"))
        let wait = try wait(server.url)
        let error = await #expect(throws: RedisError.self) { try await wait.wait(for: ["text"], stop: Gate()) }
        #expect(error?.serverError?.code == "WRONGTYPE")
        _ = try await client.send(RedisCommand("DEL", "text"))
        _ = try await client.send(RedisCommand("LPUSH", "text", "1"))
        try await wait.wait(for: ["text"], stop: Gate())
        await wait.closeAll()
        await client.close()
        await server.stop()
    }
}
#endif
