#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import TestSupport
import Testing

@testable import MachineryDialect

/// Messages of which one reply cannot bring as many as a worker has room for.
@Suite("Large messages of Machinery's at Redis", .timeLimit(.minutes(5)))
struct LargeClaimTests {
    @Test("are claimed and listed as many at a time as a reply can bring, in their order, and a stop gives all back")
    func claims() async throws {
        var configuration = try RedisConfiguration(url: try await SharedServers.shared.redisDatabaseURL())
        configuration.maximumReplyBytes = 150_000
        let logger = LogRecorder().logger
        let redis = RedisClient(configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        let broker = MachineryRedisBroker(
            configuration, eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        try await broker.publish(
            (0..<10).map { number in
                let body = Array("\(number)".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 20_000)
                return OutgoingMessage(message: WireMessage(body: body), routingKey: "q")
            })
        let consumer = try await broker.consume(ConsumerOptions(queues: ["q"], prefetch: 10, nodeName: "w"))
        var taken: [Delivery] = []
        while taken.count < 10 {
            let portion = try await consumer.next(atMost: 10)
            #expect(portion.count < 4)
            taken += portion
        }
        let numbers = taken.compactMap { try? $0.content.get().body.first }
        #expect(numbers == Array("0123456789".utf8))
        let held = try await broker.claims(in: "q")
        #expect(held.count == 10)
        try await consumer.settle(taken.prefix(5).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        let left = try await redis.send(RedisCommand("EXISTS", "q.celeriac.claims", "q.celeriac.claimed")).int
        #expect(left == 0)
        let waiting = try await redis.send(RedisCommand("LLEN", "q")).int
        #expect(waiting == 5)
        let first = try await redis.send(RedisCommand("LINDEX", "q", 0)).bytes?.first
        #expect(first == UInt8(ascii: "5"))
        await broker.close()
        await redis.close()
    }
}
#endif
