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
    private static let format = ParkedMessageFormat(style: .python, text: { "\($0)" }, date: { _ in nil })

    private func parked(
        _ url: String, maximumReplyBytes: Int = 1 << 29, newestFirst: Bool = false
    ) throws -> (RedisParkedMessages, RedisClient) {
        var configuration = try RedisConfiguration(url: url)
        configuration.maximumReplyBytes = maximumReplyBytes
        let client = RedisClient(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let parked = RedisParkedMessages(
            client, queue: "q", key: "parked", format: Self.format, newestFirst: newestFirst)
        return (parked, client)
    }

    @Test("large messages come in pages that a reply can hold, and go as the bounds say", arguments: [true, false])
    func large(newestFirst: Bool) async throws {
        let (parked, client) = try parked(
            try await SharedServers.shared.redisDatabaseURL(), maximumReplyBytes: 100_000, newestFirst: newestFirst)
        for number in 0..<10 {
            let message = Array("\(number)".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 20_000)
            let record = Self.format.encode(
                ParkedMessage(queue: "q", message: message, reason: "test", detail: "", time: nil, worker: "w"))
            try await client.send(RedisCommand(newestFirst ? "LPUSH" : "RPUSH", "parked", record))
        }
        let all = try await parked.list(after: nil, limit: 20)
        try #require(all.compactMap(\.message.first) == Array("0123456789".utf8))
        let trim = try await parked.trim(to: ParkingPolicy(limit: 4), now: Date()) { $0 }
        #expect(trim.dropped.map(\.message.id) == all.prefix(6).map(\.id) && trim.left == 4)
        let left = try await parked.list(after: all[6].id, limit: 2)
        #expect(left.map(\.id) == all[7...8].map(\.id))
        let dropped = try await parked.drop(all.map(\.id))
        #expect(dropped == 4)
        await client.close()
    }

    @Test("a page takes few ranges of the list, since Redis walks through it for each", arguments: [true, false])
    func ranges(newestFirst: Bool) async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let (parked, client) = try parked(server.url, newestFirst: newestFirst)
        for number in 0..<250 {
            let message = Array("\(number)".utf8)
            let record = Self.format.encode(
                ParkedMessage(queue: "q", message: message, reason: "test", detail: "", time: nil, worker: "w"))
            try await client.send(RedisCommand(newestFirst ? "LPUSH" : "RPUSH", "parked", record))
        }
        try await client.send(RedisCommand("CONFIG", "RESETSTAT"))
        let all = try await parked.list(after: nil, limit: 1_000)
        #expect(all.map(\.message) == (0..<250).map { Array("\($0)".utf8) })
        let statistics = try await client.send(RedisCommand("INFO", "commandstats")).string ?? ""
        let calls = statistics.matches(of: /cmdstat_(?:lrange|lindex):calls=(\d+)/).compactMap { Int($0.output.1) }
        // Three pages, of which none takes more than seven.
        #expect((3...21).contains(calls.reduce(0, +)))
        await client.close()
        await server.stop()
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
