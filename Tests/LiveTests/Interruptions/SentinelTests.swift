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
    /// How soon after a fail-over tasks are taken from the new primary: a promise of the contract, not a speed.
    private static let promise = Duration.seconds(10)

    /// What becomes of the primary.
    enum Change: CaseIterable {
        case killed
        /// It goes on as the replica's replica.
        case replaced
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let dialect: DialectUnderTest
        let change: Change
        /// Whether servers and sentinels ask for a password each.
        var hasPasswords = false

        static let all = DialectUnderTest.allCases.flatMap { dialect in
            Change.allCases.map { Case(dialect: dialect, change: $0) }
                + [Case(dialect: dialect, change: .killed, hasPasswords: true)]
        }

        var testDescription: String { "\(dialect.rawValue): \(change)\(hasPasswords ? ", with passwords" : "")" }
    }

    @Test(
        "The primary is replaced under load: every task that the replica has ends, and new ones are served soon",
        .timeLimit(.minutes(5)), arguments: Case.all)
    func replacedPrimary(_ test: Case) async throws {
        let redis = try await SentinelSite.start(test.hasPasswords ? SentinelSite.Passwords() : nil)
        let dialect = test.dialect
        let site = try redis.application(dialect, logger: LogRecorder().logger)
        let (runs, release, load) = (Runs(), Gate(), SteadyLoad())
        let handlers = [
            Self.hold.handler { number in
                runs.add(number)
                await release.wait()
                return number + 1
            },
            Self.add.handler { $0 + $1 },
            load.handler,
        ]
        try await withRunning(site.worker(handlers)) {
            // The worker's stop waits for its tasks, also after a failure.
            defer { release.open() }
            var results: [AsyncResult<Int>] = []
            for number in 0..<Self.count { results.append(try await site.app.send(Self.hold(number))) }
            // Four run, some are claimed, and most wait in the queue, where the load follows them.
            try await until("four tasks to begin") { runs.total == 4 }
            let (isLone, copies) = try await load.run(site.app) {
                try await until("the first of the load to be sent") { load.confirmed.count >= 20 }
                try await redis.untilReplicated()
                let isLone = try await replace(redis, test.change, release)
                let copies = try await redis.idsAtReplica(of: dialect)
                release.open()
                // What is sent from then on can be nowhere but at the new primary.
                try await until("tasks to be sent to the new primary") {
                    load.confirmed.count { $0.begin >= isLone } >= 20
                }
                return (isLone, copies)
            }
            let owed = load.confirmed.filter { $0.begin >= isLone || copies.contains($0.id) }
            #expect(owed.count { $0.begin < isLone } >= 20, "the replica has what was sent before the fail-over")
            try? await until("the load to have run") {
                let begun = load.begun
                return owed.allSatisfy { begun[$0.number] != nil }
            }
            let begun = load.begun
            let lost = owed.filter { begun[$0.number] == nil }.map(\.number)
            #expect(lost.isEmpty, "lost: \(lost)")
            let first = owed.filter { $0.begin >= isLone }.compactMap { begun[$0.number] }.filter { $0 >= isLone }.min()
            let beginning = try #require(first, "no task of the new primary has run")
            let gap = beginning - isLone
            #expect(gap <= Self.promise, "the first task of the new primary began after \(gap)")

            for (number, result) in results.enumerated() {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == number + 1)
            }
            for number in 0..<20 {
                let value = try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(30))
                #expect(value == number + 1)
            }
            try await until("the queue to be empty, with nothing claimed") {
                let waiting = try await redis.replica.ask(RedisCommand("LLEN", site.queue)).int
                let claims = RedisCommand("EXISTS", "unacked", site.queue + ".celeriac.claims")
                let claimed = try await redis.replica.ask(claims).int
                return waiting == 0 && claimed == 0
            }
            #expect(runs.total == Self.count && runs.repeated.isEmpty)
            if dialect == .celery {
                let driver = try await python(redis).startDriver()
                let answers = try await driver.ping()
                #expect(answers.count == 1)
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

    /// Has the primary replaced, and lets the tasks that run end where the results have nowhere to go.
    ///
    /// - Returns: when the replica was the only primary. As long as one that is replaced takes messages, nothing has ended:
    ///   its clients work on there.
    private func replace(
        _ redis: SentinelSite, _ change: Change, _ release: Gate
    ) async throws -> ContinuousClock.Instant {
        switch change {
        case .killed:
            await redis.primary.kill()
            release.open()
            try await redis.untilPromoted()
        case .replaced: try await redis.changePlaces()
        }
        return .now
    }

    private func python(_ redis: SentinelSite) -> PythonPeer {
        PythonPeer(
            broker: redis.url(.celery), results: redis.url(.celery),
            settings: [
                "broker_transport_options": .object(redis.options),
                "result_backend_transport_options": .object(redis.options),
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
