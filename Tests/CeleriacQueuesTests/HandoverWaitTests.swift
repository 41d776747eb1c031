#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Logging
import NIOPosix
import Testing

@testable import CeleriacQueues

@Suite("Waiting for what Redis hands over", .timeLimit(.minutes(2)))
struct HandoverWaitTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Without the right to unblock a connection it is closed: the wait would else last an hour.
    @Test("ends at once, also for a user who may do nothing dangerous", arguments: [true, false])
    func stops(mayUnblock: Bool) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await RedisServer.start(.init(persistent: false))
        let admin = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: group, logger: Self.logger)
        let rights = mayUnblock ? "+@all" : "-@dangerous"
        try await admin.send(RedisCommand("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", rights))
        let configuration = try RedisConfiguration(url: "redis://worker:secret@127.0.0.1:\(server.port)/0")
        let client = RedisClient(configuration, eventLoopGroup: group, logger: Self.logger)
        let wait = HandoverWait(
            configuration, takingFrom: .right, patience: .seconds(3600), eventLoop: group.next(), logger: Self.logger)
        func isBlocked() async throws -> Bool {
            let list = try await admin.send(RedisCommand("CLIENT", "LIST")).bytes ?? []
            return String(decoding: list, as: UTF8.self).split(separator: "\n")
                .contains { $0.contains("cmd=blmove") && $0.contains("flags=b") }
        }
        for _ in 0..<2 {
            let stop = Gate()
            async let waiting = wait.wait(
                for: [.init(list: "list", handover: "list.handover")], unblockingWith: client, stop: stop)
            while try await !isBlocked() { await Task.yield() }
            stop.open()
            let isOrderly = await wait.finish(try await waiting)
            #expect(isOrderly == mayUnblock)
            while try await isBlocked() { await Task.yield() }
        }
        // Nobody waits any more: the element stays where it is.
        #expect(try await admin.send(RedisCommand("LPUSH", "list", "element")).int == 1)
        #expect(try await admin.send(RedisCommand("LLEN", "list")).int == 1)
        await wait.closeAll()
        await client.close()
        await admin.close()
        await server.stop()
    }
}
#endif
