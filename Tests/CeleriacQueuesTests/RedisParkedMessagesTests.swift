#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOPosix
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacQueues

@Suite("Messages parked in Redis", .timeLimit(.minutes(5)))
struct RedisParkedMessagesTests {
    private func parked(_ url: String) throws -> (RedisParkedMessages, RedisClient) {
        let client = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let format = ParkedMessageFormat(style: .python, text: { "\($0)" }, date: { _ in nil })
        let parked = RedisParkedMessages(client, queue: "q", key: "parked", format: format, newestFirst: false)
        return (parked, client)
    }

    @Test("what was dropped before the server refused a command is told; if it refuses the first, the error is")
    func trimIsCutShort() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let (own, client) = try parked(server.url)
        for id in 1...3 { try await client.send(RedisCommand("RPUSH", "parked", "\(id)")) }
        try await client.send(
            RedisCommand("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", "-lrange"))
        let (worker, workerClient) = try parked("redis://worker:secret@127.0.0.1:\(server.port)/0")
        let policy = ParkingPolicy(limit: 1, age: .seconds(60))
        let trim = try await worker.trim(to: policy, now: Date()) { $0 }
        #expect(trim.isCutShort && trim.dropped.count == 2)
        await #expect(throws: CeleriacError.self) { _ = try await worker.trim(to: policy, now: Date()) { $0 } }
        #expect(try await own.trim(to: policy, now: Date()) { $0 }.left == 1)
        await workerClient.close()
        await client.close()
        await server.stop()
    }
}
#endif
