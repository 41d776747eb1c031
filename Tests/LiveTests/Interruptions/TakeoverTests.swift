import Celeriac
import CeleriacCore
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Synchronization
import TestSupport
import Testing

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

#if AMQP && Redis
/// Tests tasks whose messages the broker delivers again while this worker has them: each runs once, and all settle.
@Suite("Takeovers", .serialized)
struct TakeoverTests {
    private static let work = TaskDefinition<Int, Double, Int>("tasks.work")

    @Test(
        "A task longer than RabbitMQ's consumer_timeout and an ETA beyond it, among short tasks",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases, RabbitMQRelease.available)
    func consumerTimeout(_ dialect: DialectUnderTest, _ release: RabbitMQRelease) async throws {
        let server = try await RabbitMQServer.start(
            .init(
                release: release, configuration: ["consumer_timeout = 8000"],
                advanced: ["channel_tick_interval": "1000"]))
        // From 4.3 on RabbitMQ takes back what a consumer of a quorum queue holds, and cancels the consumer; others close the
        // channel. Nothing of a classic queue times out there.
        if release != .installed {
            let connection = try await AMQPConnection.connect(
                AMQPConfiguration(url: server.url), on: sharedEventLoop(), logger: MachineryBench.logger)
            try await connection.withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare(dialect.queue, arguments: ["x-queue-type": "quorum"])
            }
            await connection.close()
        }
        let runs = Runs()
        let hasEnded = Gate()
        let handler = Self.work.handler { number, seconds in
            runs.add(number)
            try await Task.sleep(for: .seconds(seconds))
            if seconds > 8 { hasEnded.open() }
            return number
        }
        let log = LogRecorder()
        let site = try await dialect.site(worker: server.url, sender: server.url, logger: log.logger)
        var sent = 0
        try await withRunning(site.worker([handler])) {
            let long = try await site.app.send(Self.work(0, 20))
            let later = try await site.app.send(Self.work(1, 0), countdown: .seconds(12))
            sent = 2
            while !hasEnded.isOpen {
                let short = try await site.app.send((sent..<sent + 5).map { Self.work($0, 0.2) })
                sent += 5
                for result in short { _ = try await result.get(timeout: .seconds(60)) }
            }
            #expect(try await long.get(timeout: .seconds(60)) == 0)
            #expect(try await later.get(timeout: .seconds(60)) == 1)
            try await until { try await LiveServer.rabbitMQ(server).messages(in: site.queue) == (0, 0) }
        }
        let lost = log.count("lost the connection to the broker")
        #expect(
            runs.repeated.isEmpty && runs.total == sent && lost > 0,
            "\(sent) tasks, \(runs.total) runs, \(lost) times lost by consumer_timeout")
        #expect(try await LiveServer.rabbitMQ(server).messages(in: site.queue) == (0, 0))
        await site.close()
        await server.stop()
    }

    @Test(
        "The connection is cut 60 times while 300 tasks run", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func cutConnections(_ dialect: DialectUnderTest) async throws {
        let server = try await RabbitMQServer.start()
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let runs = Runs()
        let handler = Self.work.handler { number, seconds in
            let isFirst = runs.add(number)
            try await Task.sleep(for: .seconds(seconds))
            // Some settlements are on their way, some follow before the worker has connected again.
            if number % 5 == 0, isFirst { proxy.cut() }
            return number
        }
        let log = LogRecorder()
        let site = try await dialect.site(worker: url, sender: server.url, logger: log.logger)
        let count = 300
        try await withRunning(site.worker([handler])) {
            let sent = try await site.app.send((0..<count).map { Self.work($0, 0.02) })
            for result in sent { _ = try await result.get(timeout: .seconds(60)) }
            try await until { try await LiveServer.rabbitMQ(server).messages(in: site.queue) == (0, 0) }
        }
        let (lost, taken) = (
            log.count("lost the connection to the broker"),
            log.count("the broker has delivered a task again that this worker has already")
        )
        #expect(
            runs.repeated.isEmpty && runs.total == count && lost > 0 && taken > 0,
            "\(count) tasks, \(runs.total) runs, \(lost) connections lost, \(taken) takeovers")
        await site.close()
        try await proxy.stop()
        await server.stop()
    }

    @Test(
        "A claim in Redis expires while its task runs, and comes back to the same worker", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func expiredClaim(_ dialect: DialectUnderTest) async throws {
        switch dialect {
        case .celery: try await expireClaim(at: BrokerSite(.redis, visibilityTimeout: 2), claims: "unacked_index")
        case .machinery:
            try await expireClaim(
                at: MachinerySite(.redis, visibilityTimeout: 2), claims: "machinery_tasks.celeriac.claimed")
        }
    }

    private func expireClaim(at site: some LiveSite, claims: String) async throws {
        let redis = RedisClient(
            try RedisConfiguration(url: site.broker), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: MachineryBench.logger)
        @Sendable func tags() async throws -> [String] {
            try await redis.send(RedisCommand("ZRANGE", claims, 0, -1)).array?.compactMap(\.string) ?? []
        }
        let (path, gate) = (site.folder.path + "/expired", site.folder.path + "/gate")
        try await site.withWorker {
            let running = try await site.app.send(MatrixTasks.held(path, "long", gate))
            await until { recorded(path + ".begun") == ["long swift"] }
            let first = try await tags().first
            let tag = try #require(first)
            // The worker renews the claim; between two renewals a worker restores it. The short tasks let it look.
            try await until {
                _ = try await redis.send(RedisCommand("ZADD", claims, "XX", 1, tag))
                #expect(try await site.app.send(MatrixTasks.slow(0)).get(timeout: .seconds(60)) == 0)
                return try await !tags().contains(tag)
            }
            try await until { try await tags().count == 1 }
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            #expect(try await running.get(timeout: .seconds(60)) == "long")
            try await until { try await site.messages() == (0, 0) }
        }
        #expect(recorded(path + ".begun") == ["long swift"] && recorded(path) == ["long swift"])
        #expect(try await site.messages() == (0, 0))
        await redis.close()
        await site.close()
    }
}
#endif
