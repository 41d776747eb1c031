#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Foundation
import NIOPosix
import TestSupport
import Testing

@testable import MachineryDialect

@Suite("A silence of Redis that outlasts the claims", .timeLimit(.minutes(5))) struct SilenceTests {
    @Test("makes no worker take what living workers hold")
    func silence() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        var configuration = try RedisConfiguration(url: server.url)
        // Longer than a claim lasts, so that whoever has run into it has waited for that long.
        configuration.commandTimeout = .seconds(3)
        let (group, log) = (MultiThreadedEventLoopGroup.singleton, LogRecorder())
        let redis = RedisClient(configuration, eventLoopGroup: group, logger: log.logger)
        let broker = MachineryRedisBroker(
            configuration, settings: MachineryRedisSettings(claimTimeout: 2), eventLoopGroup: group, logger: log.logger)
        let holder = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "holder"))
        let neighbour = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "neighbour"))
        try await broker.publish(
            (0..<5).map { OutgoingMessage(message: WireMessage(body: Array("\($0)".utf8)), routingKey: "q") })
        var held: [Receipt] = []
        while held.count < 5 { held += try await holder.next(atMost: 10).map(\.receipt) }
        let pid = try #require(server.pid)
        kill(pid, SIGSTOP)
        await until { log.count("could not look for messages to restore to q") >= 2 }
        kill(pid, SIGCONT)
        // When this one has come back, workers look again for what has expired.
        let dead = [
            RedisCommand("HSET", "q.celeriac.claims", "dead", "x"),
            RedisCommand("ZADD", "q.celeriac.claimed", 1, "dead"),
        ]
        await until { (try? await redis.send(dead)) != nil }
        try await until { try await redis.send(RedisCommand("HEXISTS", "q.celeriac.claims", "dead")).int == 0 }
        #expect(try await redis.send(RedisCommand("HLEN", "q.celeriac.claims")).int == 5)
        #expect(try await redis.send(RedisCommand("LRANGE", "q", 0, -1)).array?.compactMap(\.string) == ["x"])
        try await holder.settle(held.map { Settlement($0, .acknowledge) })
        let tooLate = (holder as? any ClaimingConsumer)?.settledTooLate
        #expect(tooLate?.isEmpty == true)
        try await neighbour.close()
        try await holder.close()
        await broker.close()
        await redis.close()
        await server.stop()
    }
}
#endif
