#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import NIOConcurrencyHelpers
import NIOPosix
import TestSupport
import Testing

/// Tests tasks that wait for their time at a worker on Redis, which keeps their messages.
@Suite("Held ETAs", .serialized)
struct HeldETATests {
    private static let work = TaskDefinition<Int, Int>("tasks.later")

    @Test(
        "Tasks wait for their time through lost connections; one is revoked, each other runs once, and not before",
        .timeLimit(.minutes(5)))
    func lostConnections() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let log = LogRecorder()
        let app = try CeleryApp(broker: url, results: server.url(database: 1), logger: log.logger)
        let sender = try CeleryApp(broker: server.url, results: server.url(database: 1), logger: log.logger)
        let redis = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: log.logger)
        @Sendable func claims() async throws -> Int? { try await redis.send(RedisCommand("HLEN", "unacked")).int }
        let (runs, early) = (Runs(), NIOLockedValueBox(0))
        let eta = Date().addingTimeInterval(10)
        let worker = app.worker(WorkerConfiguration(queues: ["celery"], concurrency: 4, prefetchMultiplier: 4)) {
            Self.work.handler { number in
                if Date() < eta { early.withLockedValue { $0 += 1 } }
                runs.add(number)
                return number
            }
        }
        try await withRunning(worker) {
            let sent = try await sender.send((0..<300).map { Self.work($0) }, options: SendOptions(eta: eta))
            try await until { try await claims() == 300 }
            let revoked = try #require(sent.first)
            try await revoked.revoke()
            await #expect {
                try await revoked.get(timeout: .seconds(60))
            } throws: {
                ($0 as? RemoteTaskError)?.state == .revoked
            }
            // Its message is read again to end it.
            try await until { try await claims() == 299 }
            proxy.cut()
            for (number, result) in sent.enumerated().dropFirst() {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == number)
                if number % 100 == 1 { proxy.cut() }
            }
            try await until { try await claims() == 0 }
        }
        #expect(runs.total == 299 && runs.repeated.isEmpty && early.withLockedValue { $0 } == 0)
        let left = try await redis.send(RedisCommand("LLEN", "celery")).int
        #expect(left == 0)
        await redis.close()
        await app.close()
        await sender.close()
        try await proxy.stop()
        await server.stop()
    }

    @Test("A stop gives back the messages whose reading is under way", .timeLimit(.minutes(5)))
    func stopWhileReading() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let (reading, script) = (Array("HMGET".utf8), Array("EVAL".utf8))
        // Holds the messages back until the first of the others are given back.
        let (proxy, url) = try await RecordingProxy.start(
            before: server.url,
            holdsReplies: { sent in
                guard let command = sent.firstRange(of: reading) else { return false }
                return !sent[command.upperBound...].contains(script)
            })
        let logger = LogRecorder().logger
        let redis = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
        let broker = CeleryRedisBroker(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        try await broker.publish(
            (0..<4).map {
                OutgoingMessage(message: WireMessage(body: Array("\($0)".utf8)), routingKey: "celery")
            })
        let taking = try await broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w@h"))
        let consumer = try #require(taking as? any PayloadKeepingConsumer)
        var receipts: [Receipt] = []
        while receipts.count < 4 { receipts += try await consumer.next(atMost: 4).map(\.receipt) }
        let (kept, all) = (Array(receipts.prefix(2)), receipts)
        consumer.letGo(kept)
        async let recalled = consumer.recall(kept)
        await until { proxy.sent.contains { $0.contains(reading) } }
        await consumer.stop()
        try await consumer.giveBack(all)
        _ = try await recalled
        try await consumer.close()
        let (claimed, waiting) = (
            try await redis.send(RedisCommand("HLEN", "unacked")).int,
            try await redis.send(RedisCommand("LLEN", "celery")).int
        )
        #expect(claimed == 0 && waiting == 4)
        await broker.close()
        await redis.close()
        try await proxy.stop()
        await server.stop()
    }
}
#endif
