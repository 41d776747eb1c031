#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import Logging
import TestSupport
import Testing

/// Tests Redis behind sentinels, which replace a primary that is gone.
@Suite("Redis Sentinel", .serialized)
struct SentinelTests {
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let count = 100

    /// What becomes of the primary.
    enum Change: CaseIterable {
        case killed
        /// It goes on as the replica's replica.
        case replaced
    }

    @Test(
        "The primary is replaced while its worker is busy: every task that the replica has ends, and new ones are served",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases, Change.allCases)
    func replacedPrimary(_ dialect: DialectUnderTest, _ change: Change) async throws {
        let redis = try await SentinelSite.start()
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
        try await withRunning(site.worker(handlers)) {
            var results: [AsyncResult<Int>] = []
            for number in 0..<Self.count { results.append(try await site.app.send(Self.hold(number))) }
            // Four run, some are claimed, and most wait in the queue.
            await until { runs.total == 4 }
            try await redis.untilReplicated()

            switch change {
            case .killed: await redis.primary.kill()
            case .replaced: try await redis.changePlaces()
            }
            release.open()
            await until { (try? await site.app.send(Self.add(0, 0))) != nil }
            for (number, result) in results.enumerated() {
                #expect(try await result.get(timeout: .seconds(60)) == number + 1)
            }
            for number in 0..<20 {
                #expect(try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(30)) == number + 1)
            }
            // Nothing is left, neither waiting nor claimed.
            try await until {
                let port = redis.replica.port
                let waiting = try await SentinelSite.ask(port, RedisCommand("LLEN", site.queue)).int
                let claims = RedisCommand("EXISTS", "unacked", site.queue + ".celeriac.claims")
                let claimed = try await SentinelSite.ask(port, claims).int
                return waiting == 0 && claimed == 0
            }
            #expect(runs.total == Self.count && runs.repeated.isEmpty)
            if dialect == .celery {
                let driver = try await python(redis).startDriver()
                #expect(try await driver.ping().count == 1)
                await driver.stop()
            }
        }
        if dialect == .celery {
            let worker = try await python(redis).startWorker()
            #expect(try await site.app.send(Self.add(4, 5)).get(timeout: .seconds(60)) == 9)
            await worker.stop()
        }
        await site.close()
        await redis.stop()
    }

    private func python(_ redis: SentinelSite) -> PythonPeer {
        PythonPeer(
            broker: redis.url(.celery), results: redis.url(.celery),
            settings: [
                "broker_transport_options": .object(SentinelSite.options),
                "result_backend_transport_options": .object(SentinelSite.options),
            ])
    }

    @Test("A sentinel's user needs the right to one question, as the documentation says", .timeLimit(.minutes(2)))
    func rights() async throws {
        let server = try await RedisServer.start(.init(password: "secret", persistent: false))
        let sentinel = try await RedisSentinelServer.start(
            watching: server, as: SentinelSite.name, quorum: 1,
            configuration: [
                "sentinel auth-pass \(SentinelSite.name) secret",
                "user asker on >theirs -@all +sentinel|get-master-addr-by-name",
            ])
        var configuration = try RedisConfiguration(
            sentinelURLs: "sentinel://:secret@127.0.0.1:\(sentinel.port)/3", primaryName: SentinelSite.name)
        configuration.sentinels?.user = "asker"
        configuration.sentinels?.password = "theirs"
        let connection = try await RedisConnection.connect(
            configuration, on: sharedEventLoop(), logger: Logger(label: "live"))
        #expect(try await connection.send(RedisCommand("ROLE")).array?.first?.string == "master")
        await connection.close()
        await sentinel.stop()
        await server.stop()
    }
}
#endif
