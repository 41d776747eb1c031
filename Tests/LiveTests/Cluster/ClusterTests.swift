#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleryDialect
import Logging
import NIOPosix
import TestSupport
import Testing

/// Tests applications at a Redis Cluster whose slots move and whose nodes die.
@Suite("Redis Cluster", .serialized)
struct ClusterTests {
    private static let work = TaskDefinition<Int, Int>("tasks.work")
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")

    @Test(
        "The queue's slot moves from node to node while tasks are sent, run and stored: each runs once, and ends",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func movingSlot(_ dialect: DialectUnderTest) async throws {
        let redis = try await ClusterSite.start()
        let site = try redis.application(dialect, logger: LogRecorder().logger)
        let runs = Runs()
        let handler = Self.work.handler { number in
            runs.add(number)
            return number + 1
        }
        try await withRunning(site.worker([handler])) {
            var results: [AsyncResult<Int>] = []
            for _ in 0..<6 {
                for _ in 0..<30 {
                    let result = try await site.app.send(Self.work(results.count))
                    results.append(result)
                }
                try await redis.cluster.move(redis.slot(dialect)) {
                    for _ in 0..<10 {
                        let result = try await site.app.send(Self.work(results.count))
                        results.append(result)
                    }
                }
            }
            // The last move is over, so a worker that waits is told of a message at once.
            for (number, result) in results.enumerated() {
                #expect(try await result.get(timeout: .seconds(60)) == number + 1)
            }
            try await redis.untilEmpty(dialect)
            #expect(runs.total == results.count && runs.repeated.isEmpty)
        }
        await site.close()
        await redis.stop()
    }

    @Test(
        "A delayed task of Machinery, a chord of Celery, and remote control by Python at the node that serves the slot",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func wholeDialect(_ dialect: DialectUnderTest) async throws {
        let redis = try await ClusterSite.start()
        let site = try redis.application(dialect, logger: LogRecorder().logger)
        let runs = Runs()
        let handlers = [
            Self.add.handler { x, y in
                runs.add(x)
                return x + y
            },
            Self.sum.handler { $0.reduce(0, +) },
        ]
        try await withRunning(site.worker(handlers)) {
            let delayed = try await site.app.send(Self.add(1, 2), countdown: .seconds(1))
            #expect(try await delayed.get(timeout: .seconds(30)) == 3)
            #expect(runs.total == 1)
            if dialect == .celery {
                let joined = try await site.app.send(chord([Self.add(3, 4), Self.add(5, 6)], body: Self.sum))
                #expect(try await joined.get(timeout: .seconds(30)) == 18)
                let owner = try await redis.cluster.owner(of: redis.slot(.celery)).url
                let python = PythonPeer(broker: owner, results: owner, settings: ClusterSite.settings)
                let driver = try await python.startDriver()
                #expect(try await driver.ping().count == 1)
                // An operator who names a node that has none of the keys.
                let broker = CeleryRedisBroker(
                    redis.redis.configuration, options: CeleryRedisOptions(keyPrefix: ClusterSite.prefix),
                    eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "live"))
                #expect(try await broker.bindings().contains { $0.queue == "celery" && $0.exchange == "celery" })
                await broker.close()
                let id = try await driver.send("tasks.add", [7, 8])
                #expect(try await driver.get(id) == .success(15))
                await driver.stop()
            }
            try await redis.untilEmpty(dialect)
        }
        await site.close()
        await redis.stop()
    }

    /// What becomes of the master.
    enum Change: CaseIterable {
        case killed
        /// It goes on as its replica's replica.
        case replaced
    }

    @Test(
        "The master that has the queue is replaced while its worker is busy: every task ends, and new ones are served",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases, Change.allCases)
    func failover(_ dialect: DialectUnderTest, _ change: Change) async throws {
        let redis = try await ClusterSite.start(hasReplicas: true)
        let site = try redis.application(dialect, logger: LogRecorder().logger)
        let (runs, release) = (Runs(), Gate())
        let handlers = [
            Self.hold.handler { number in
                runs.add(number)
                await release.wait()
                return number + 1
            },
            Self.add.handler { $0 + $1 },
        ]
        let (master, replica) = try await redis.cluster.pair(serving: redis.slot(dialect))
        try await withRunning(site.worker(handlers)) {
            var results: [AsyncResult<Int>] = []
            for number in 0..<100 { results.append(try await site.app.send(Self.hold(number))) }
            // Four run, some are claimed, and most wait in the queue.
            await until { runs.total == 4 }
            try await master.untilReplicated(at: replica)

            switch change {
            case .killed: await master.kill()
            case .replaced: try await redis.cluster.promote(replica)
            }
            release.open()
            await until { (try? await site.app.send(Self.add(0, 0))) != nil }
            #expect(try await redis.cluster.owner(of: redis.slot(dialect)).port == replica.port)
            for (number, result) in results.enumerated() {
                #expect(try await result.get(timeout: .seconds(60)) == number + 1)
            }
            for number in 0..<20 {
                #expect(try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(30)) == number + 1)
            }
            try await redis.untilEmpty(dialect)
            #expect(runs.total == 100 && runs.repeated.isEmpty)
        }
        await site.close()
        await redis.stop()
    }
}
#endif
