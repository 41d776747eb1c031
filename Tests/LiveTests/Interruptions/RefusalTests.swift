#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import Logging
import TestSupport
import Testing

/// Tests servers that refuse a worker: for a while, or from the start.
@Suite("Refusals", .serialized)
struct RefusalTests {
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")
    private static let next = TaskDefinition<Int, Int>("tasks.next")

    /// The worker has neither published nor stored anything when the login is refused, so that it logs in for that for
    /// the first time meanwhile.
    @Test(
        "A login that worked is refused for a while: the running task ends once, and so does what follows it",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases, BrokerSite.Kind.available)
    func refusedForAWhile(_ dialect: DialectUnderTest, _ kind: BrokerSite.Kind) async throws {
        let server = try await LiveServer.start(kind)
        let log = LogRecorder()
        let site = try await dialect.site(
            worker: server.url, sender: server.url, results: kind == .redis ? server.url : nil, logger: log.logger)
        let (begun, release) = (Gate(), Gate())
        let runs = Runs()
        let handlers = [
            Self.hold.handler { number in
                runs.add(number)
                begun.open()
                await release.wait()
                return number + 1
            },
            Self.next.handler { number in
                runs.add(number)
                return number + 1
            },
        ]
        try await withRunning(site.worker(handlers)) {
            let chain = try await site.app.send(Self.hold(1).then(Self.next))
            await begun.wait()
            try await server.refuseLogins()
            let refused =
                kind == .redis
                ? "cannot take messages, trying again"
                : "the broker refuses the worker: its configuration or rights are wrong, trying again"
            await until { log.count(refused) >= 2 }
            release.open()
            // The pauses grow to several seconds.
            await until { log.count(refused) >= 6 }
            try await server.acceptLogins()
            #expect(try await chain.get(timeout: .seconds(60)) == 3)
            #expect(try await site.app.send(Self.next(10)).get(timeout: .seconds(60)) == 11)
        }
        #expect(runs.repeated.isEmpty && runs.total == 3)
        #expect(try await server.messages(in: site.queue + ".parked").waiting == 0)
        await site.close()
        await server.stop()
    }

    @Test(
        "A login, virtual host or database that never worked ends the worker at once, and so whoever waits for it",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func refusedAtTheStart(_ dialect: DialectUnderTest) async throws {
        let rabbitMQ = try await RabbitMQServer.start()
        let redis = try await RedisServer.start(.init(password: "secret", persistent: false))
        try await rabbitMQ.rabbitmqctl("add_vhost", "closed")
        let wrong = "redis://:wrong@127.0.0.1:\(redis.port)/0"
        for url in [
            rabbitMQ.url(virtualHost: "nowhere"), rabbitMQ.url(virtualHost: "closed"),
            rabbitMQ.url.replacing("guest:guest", with: "guest:wrong"),
            "redis://127.0.0.1:\(redis.port)/0", wrong, redis.url(database: 999),
        ] {
            let log = LogRecorder()
            let site = try await dialect.site(worker: url, sender: url, logger: log.logger)
            let worker = site.worker([Self.next.handler { $0 }])
            let ready = Task { try await worker.ready() }
            let error = await #expect(throws: CeleriacError.self, "\(url)") { try await worker.run() }
            #expect(error?.code == .configuration, "\(url): \(error.map { "\($0)" } ?? "")")
            await #expect(throws: CeleriacError.self) { try await ready.value }
            #expect(log.count("the broker is out of reach, trying again") == 0)
            // What refuses the worker has nothing to do with the notes of queues.
            #expect(log.count("cannot see whether queues are paused") == 0, "\(url)")
            await #expect(throws: CeleriacError.self, "\(url)") { try await site.app.send(Self.next(1)) }
            await site.close()
        }
        // And so does a result store that would refuse all results.
        let others =
            dialect == .celery
            ? ["file:///proc/nowhere"]
            : [rabbitMQ.url(virtualHost: "nowhere"), rabbitMQ.url.replacing("guest:guest", with: "guest:wrong")]
        for results in [wrong, redis.url(database: 999)] + others {
            let site = try await dialect.site(
                worker: redis.url, sender: redis.url, results: results, logger: LogRecorder().logger)
            let error = await #expect(throws: CeleriacError.self, "\(results)") {
                try await site.worker([Self.next.handler { $0 }]).run()
            }
            #expect(error?.code == .configuration, "\(results): \(error.map { "\($0)" } ?? "")")
            await site.close()
        }
        await redis.stop()
        await rabbitMQ.stop()
    }

    @Test(
        "A program whose worker is refused ends with the reason, and not as a crash", .timeLimit(.minutes(5)),
        arguments: ["celery", "machinery"])
    func refusedProgram(_ dialect: String) async throws {
        let redis = try await RedisServer.start(.init(password: "secret", persistent: false))
        let folder = try TemporaryFolder("refused")
        let url = "redis://:wrong@127.0.0.1:\(redis.port)/0"
        let worker = try LiveWorkerProcess.launch(dialect: dialect, broker: url, results: url, folder: folder)
        let status = await worker.child.wait()
        #expect(status == .exited(1), "\(worker.logged)")
        #expect(worker.logged.contains("Error: configuration: "), "\(worker.logged)")
        await redis.stop()
        folder.remove()
    }

    @Test(
        "A broker that is not there is told by the first attempt, in its own words", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases, BrokerSite.Kind.available)
    func nobodyThere(_ dialect: DialectUnderTest, _ kind: BrokerSite.Kind) async throws {
        let server = try await LiveServer.start(kind)
        let url = server.url
        await server.stop()
        let log = LogRecorder()
        let site = try await dialect.site(worker: url, sender: url, logger: log.logger)
        let worker = site.worker([Self.next.handler { $0 }])
        let told = "the broker is out of reach, trying again"
        async let run: Void = worker.run()
        await until { log.count(told) >= 2 }
        worker.stop()
        try await run
        for line in log.lines(of: told) {
            let error = line.metadata["error"] ?? ""
            #expect(error.contains("connectFailed") && !error.contains("paused"), "\(error)")
        }
        await site.close()
    }

    @Test(
        "A node name that is taken is told once, and taken up when it is free", .timeLimit(.minutes(5)))
    func takenName() async throws {
        let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let told = "another worker has this node name: this one does not answer remote control"
        let log = LogRecorder()
        let app = try CeleryApp(broker: url, logger: log.logger)
        let workers = (0..<2).map { _ in
            app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "same@test")) { Self.next.handler { $0 } }
        }
        try await withRunning(workers[0]) {
            try await withRunning(workers[1]) {
                // It tries again all the while.
                await until { log.count(told) > 3 }
                workers[0].stop()
                await until { log.count("the node name is free: this worker answers remote control") == 1 }
            }
        }
        #expect(log.lines(of: told).filter { $0.level == .error }.count == 1)
        await app.close()
    }

    @Test("Workers of one node name on Redis, which cannot refuse it, notice one another", .timeLimit(.minutes(5)))
    func sharedName() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let told = "another worker has this node name: clients and monitors take both for one"
        let logs = [LogRecorder(), LogRecorder()]
        let apps = try logs.map { try CeleryApp(broker: url, logger: $0.logger) }
        let workers = apps.map { app in
            app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "same@test")) { Self.next.handler { $0 } }
        }
        try await withRunning(workers[0]) {
            try await withRunning(workers[1]) {
                await until { logs.allSatisfy { $0.count(told) == 1 } }
            }
        }
        for app in apps { await app.close() }
    }

    @Test(
        "A worker notices that one in Python has its node name already", .timeLimit(.minutes(5)),
        arguments: [BrokerSite.Kind.redis, .rabbitMQ])
    func nameOfPython(_ kind: BrokerSite.Kind) async throws {
        let servers = SharedServers.shared
        let url = try await kind == .redis ? servers.redisDatabaseURL() : servers.rabbitMQVirtualHostURL()
        let told =
            kind == .redis
            ? "another worker has this node name: clients and monitors take both for one"
            : "another worker has this node name: this one does not answer remote control"
        let python = try await PythonPeer(broker: url).startWorker(arguments: ["--hostname", "same@test"])
        let log = LogRecorder()
        let app = try CeleryApp(broker: url, logger: log.logger)
        let worker = app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "same@test")) {
            Self.next.handler { $0 }
        }
        try await withRunning(worker) { await until { log.count(told) > 0 } }
        await python.stop()
        await app.close()
    }
}
#endif
