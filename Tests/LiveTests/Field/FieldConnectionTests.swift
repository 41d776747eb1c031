#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Tests workers whose connections are lost again and again.
@Suite("Field: lost connections", .serialized, .field)
struct FieldConnectionTests {
    private static let work = TaskDefinition<Int, Int>("tasks.work")
    private static let (count, cuts, concurrency, prefetch) = (5000, 120, 4, 4)

    struct Case: Sendable, CustomTestStringConvertible {
        let dialect: DialectUnderTest
        let kind: BrokerSite.Kind
        let workers: Int

        static let all = DialectUnderTest.allCases.flatMap { dialect in
            [(BrokerSite.Kind.redis, 2), (.rabbitMQ, 1), (.rabbitMQ, 2)].map { kind, workers in
                Case(dialect: dialect, kind: kind, workers: workers)
            }
        }

        var testDescription: String { "\(dialect.rawValue), \(kind == .redis ? "Redis" : "RabbitMQ"), \(workers)" }
    }

    /// A broker that finds a connection lost gives its messages to whoever asks first. On Redis the claims stay with
    /// their worker. On RabbitMQ they may go to another worker, which cannot know that the first one has them.
    @Test("5,000 tasks while the connection is cut 120 times", .timeLimit(.minutes(10)), arguments: Case.all)
    func cut(_ example: Case) async throws {
        let server = try await LiveServer.start(example.kind)
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let isOnRedis = example.kind == .redis
        let runs = Runs()
        let ended = NIOLockedValueBox(Set<Int>())
        let cut = NIOLockedValueBox(0)
        let handler = Self.work.handler { number in
            runs.add(number)
            let begun = runs.total
            try await Task.sleep(for: .milliseconds(2))
            // While a cut connection is not back there is nothing to cut: the next task does it.
            cut.withLockedValue { count in
                if count < Self.cuts, begun >= (count + 1) * 40, proxy.cut() { count += 1 }
            }
            ended.withLockedValue { _ = $0.insert(number) }
            return number
        }
        var sites: [FieldSite] = []
        for _ in 0..<example.workers {
            sites.append(
                try await example.dialect.site(
                    worker: url, sender: server.url, results: isOnRedis ? server.url : nil,
                    workerResults: isOnRedis ? url : nil, concurrency: Self.concurrency, prefetch: Self.prefetch,
                    logger: LogRecorder().logger))
        }
        let queue = example.dialect.queue
        let claims =
            example.dialect == .celery
            ? [("HLEN", "unacked"), ("ZCARD", "unacked_index")]
            : [("HLEN", "\(queue).celeriac.claims"), ("ZCARD", "\(queue).celeriac.claimed")]
        let sender = try #require(sites.first).app
        try await run(sites.map { $0.worker([handler]) }) {
            _ = try await sender.send((0..<Self.count).map { Self.work($0) })
            await until { ended.withLockedValue { $0.count } == Self.count }
            try await until { try await server.messages(in: queue, redisClaims: claims) == (0, 0) }
        }
        let duplicates = runs.total - Self.count
        let held =
            isOnRedis
            ? 0
            : proxy.exchanged.map { UnsettledDeliveries.count(sent: $0.sent, received: $0.received) }.reduce(0, +)
        let text =
            "\(runs.total) runs of \(Self.count) tasks, \(cut.withLockedValue { $0 }) cuts, \(duplicates) duplicates"
        print("\(example.testDescription): \(text)\(isOnRedis ? "" : "; \(held) were unsettled at the cuts")")
        #expect(cut.withLockedValue { $0 } == Self.cuts, "\(text)")
        #expect(isOnRedis || example.workers == 1 ? duplicates == 0 : 0...held ~= duplicates, "\(text)")
        #expect(try await server.messages(in: queue + ".parked").waiting == 0)
        for site in sites { await site.close() }
        try await proxy.stop()
        await server.stop()
    }

    /// Runs workers while `body` runs.
    private func run(_ workers: [TaskWorker], _ body: @Sendable () async throws -> Void) async throws {
        guard let first = workers.first else { return try await body() }
        try await withRunning(first) { try await run(Array(workers.dropFirst()), body) }
    }
}
#endif
