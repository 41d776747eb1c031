#if AMQP
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Logging
import TestSupport
import Testing

/// Workers in both languages at each release of RabbitMQ that is there.
@Suite("Releases of RabbitMQ: workers", .serialized)
struct ReleaseWorkerTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")

    /// A broker with applications in both languages whose queues are of one type.
    private struct Site {
        let site: BrokerSite
        let app: CeleryApp
        let python: PythonPeer
        let log = LogRecorder()

        init(_ release: RabbitMQRelease, queueType: String) async throws {
            site = try await BrokerSite(.rabbitMQ, release: release)
            let settings = try CelerySettings(yaml: Array("task_default_queue_type: \(queueType)".utf8))
            app = try CeleryApp(
                broker: site.broker, results: site.results, configuration: settings.configuration, logger: log.logger)
            let given: [String: WireValue] = [
                "task_default_queue_type": .string(queueType), "worker_detect_quorum_queues": true,
            ]
            python = PythonPeer(
                broker: site.broker, results: site.results, settings: site.python.settings.merging(given) { $1 })
        }

        /// Sends the worker tasks from both languages, at once and with a time, and asks from both who is there.
        func check() async throws {
            let driver = try await python.startDriver()
            let theirs = try await driver.send([
                .init("tasks.add", [1, 2]), .init("tasks.add", [3, 4], options: ["countdown": 2]),
            ])
            #expect(try await driver.get(theirs) == [.success(3), .success(7)])
            #expect(try await app.send(ReleaseWorkerTests.add(5, 6)).get(timeout: .seconds(60)) == 11)
            let later = try await app.send(ReleaseWorkerTests.add(7, 8), countdown: .seconds(2))
            #expect(try await later.get(timeout: .seconds(60)) == 15)
            #expect(try await driver.ping().count == 1)
            try await until { try await app.control(timeout: .seconds(2)).ping().count == 1 }
            try await until { try await site.server.messages(in: "celery") == (0, 0) }
            await driver.stop()
        }

        func close() async {
            await app.close()
            await site.close()
        }
    }

    @Test(
        "A Python worker serves both on a quorum queue", .timeLimit(.minutes(5)),
        arguments: RabbitMQRelease.available)
    func python(_ release: RabbitMQRelease) async throws {
        let site = try await Site(release, queueType: "quorum")
        let worker = try await site.python.startWorker(pool: .threads, concurrency: 2)
        try await site.check()
        await worker.stop()
        await site.close()
    }

    @Test(
        "A Swift worker serves both", .timeLimit(.minutes(5)),
        arguments: RabbitMQRelease.available, ["classic", "quorum"])
    func swift(_ release: RabbitMQRelease, queueType: String) async throws {
        let site = try await Site(release, queueType: queueType)
        let worker = site.app.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withRunning(worker) { try await site.check() }
        #expect(site.log.lines(at: .error).isEmpty && site.log.count("lost the connection to the broker") == 0)
        await site.close()
    }
}
#endif
