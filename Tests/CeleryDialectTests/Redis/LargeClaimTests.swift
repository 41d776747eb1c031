#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import NIOPosix
import TestSupport
import Testing

@testable import CeleryDialect

/// Messages of which one reply cannot bring as many as a worker has room for.
@Suite("Large messages at Redis", .timeLimit(.minutes(5)))
struct LargeClaimTests {
    private func broker(_ bench: RedisBench) throws -> CeleryRedisBroker {
        var configuration = try RedisConfiguration(url: bench.url)
        configuration.maximumReplyBytes = 150_000
        return CeleryRedisBroker(
            configuration, options: CeleryRedisOptions(visibilityTimeout: .seconds(3600)),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: LogRecorder().logger)
    }

    private func publish(_ count: Int, by broker: CeleryRedisBroker) async throws {
        try await broker.publish(
            (0..<count).map { number in
                let body = Array("\(number)".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 20_000)
                return OutgoingMessage(message: WireMessage(body: body), routingKey: "celery")
            })
    }

    /// The numbers of messages.
    private func numbers(_ deliveries: [Delivery]) -> String {
        String(decoding: deliveries.compactMap { try? $0.content.get().body.first }, as: UTF8.self)
    }

    private func consumer(_ broker: CeleryRedisBroker) async throws -> any MessageConsumer {
        try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h"))
    }

    @Test("are claimed as many at a time as a reply can bring, in their order, and a stop gives all back")
    func claims() async throws {
        let bench = try await RedisBench()
        let broker = try broker(bench)
        try await publish(10, by: broker)
        let consumer = try await consumer(broker)
        var taken: [Delivery] = []
        while taken.count < 10 {
            let portion = try await consumer.next(atMost: 10)
            #expect(portion.count < 4)
            taken += portion
        }
        #expect(numbers(taken) == "0123456789")
        try await consumer.settle(taken.prefix(5).map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("HLEN", "unacked")) == 0)
        #expect(try await bench.int(RedisCommand("ZCARD", "unacked_index")) == 0)
        #expect(try await bench.int(RedisCommand("LLEN", "celery")) == 5)
        let next = try await self.consumer(broker)
        taken = []
        while taken.count < 5 { taken += try await next.next(atMost: 10) }
        #expect(numbers(taken) == "56789")
        try await next.close()
        await broker.close()
        await bench.close()
    }

    @Test("that expired together are restored as many at a time, in their order")
    func restores() async throws {
        let bench = try await RedisBench()
        let broker = try broker(bench)
        try await publish(10, by: broker)
        for number in 0..<10 {
            let message = try await bench.redis.send(RedisCommand("RPOP", "celery")).string ?? ""
            _ = try await bench.redis.send([
                RedisCommand("HSET", "unacked", "tag\(number)", "[\(message), \"\", \"celery\"]"),
                RedisCommand("ZADD", "unacked_index", 1_000_000 + number, "tag\(number)"),
            ])
        }
        let consumer = try await consumer(broker)
        var taken: [Delivery] = []
        while taken.count < 10 { taken += try await consumer.next(atMost: 10) }
        #expect(numbers(taken) == "0123456789")
        try await consumer.settle(taken.map { Settlement($0.receipt, .acknowledge) })
        try await consumer.close()
        #expect(try await bench.int(RedisCommand("EXISTS", "unacked", "unacked_index", "celery")) == 0)
        await broker.close()
        await bench.close()
    }
}
#endif
