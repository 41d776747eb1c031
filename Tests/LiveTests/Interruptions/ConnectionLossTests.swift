#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Tests what settings have a worker do when its connection is lost.
@Suite("Lost connections", .serialized, .timeLimit(.minutes(5)))
struct ConnectionLossTests {
    private static let work = TaskDefinition<Int>("tasks.lost")

    @Test("A task that runs when the connection is lost is cancelled and runs again, if that is set")
    func cancelled() async throws {
        let server = try await RabbitMQServer.start()
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let results = try await SharedServers.shared.redisDatabaseURL()
        let log = LogRecorder()
        let app = try CeleryApp(broker: url, results: results, logger: log.logger)
        let sender = try CeleryApp(broker: server.url, results: results, logger: log.logger)
        let yaml = "worker_cancel_long_running_tasks_on_connection_loss: true\nworker_concurrency: 1"
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        let (runs, cancellations) = (NIOLockedValueBox(0), NIOLockedValueBox(0))
        let worker = app.worker(settings.worker) {
            Self.work.handler {
                let run = runs.withLockedValue { runs in
                    runs += 1
                    return runs
                }
                if run > 1 { return run }
                proxy.cut()
                do {
                    try await Task.sleep(for: .seconds(3600))
                } catch {
                    cancellations.withLockedValue { $0 += 1 }
                    throw error
                }
                return run
            }
        }
        try await withRunning(worker) {
            let sent = try await sender.send(Self.work())
            #expect(try await sent.get(timeout: .seconds(60)) == 2)
        }
        #expect(runs.withLockedValue { $0 } == 2 && cancellations.withLockedValue { $0 } == 1)
        #expect(try await LiveServer.rabbitMQ(server).messages(in: "celery") == (0, 0))
        await app.close()
        await sender.close()
        try await proxy.stop()
        await server.stop()
    }

    @Test(
        "A worker that may not connect again lets its task end, and ends",
        arguments: [BrokerSite.Kind.redis, .rabbitMQ])
    func ended(_ kind: BrokerSite.Kind) async throws {
        let server = try await LiveServer.start(kind)
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let results = try await SharedServers.shared.redisDatabaseURL()
        let log = LogRecorder()
        let app = try CeleryApp(broker: url, results: results, logger: log.logger)
        let sender = try CeleryApp(broker: server.url, results: results, logger: log.logger)
        let settings = try CelerySettings(yaml: Array("broker_connection_retry: false\nworker_concurrency: 1".utf8))
        let (started, goesOn, isOver) = (Gate(), Gate(), Gate())
        let worker = app.worker(settings.worker) {
            Self.work.handler {
                started.open()
                await goesOn.wait()
                return 1
            }
        }
        let ending = NIOLockedValueBox<CeleriacError.Code?>(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { isOver.open() }
                do {
                    try await worker.run()
                } catch let error as CeleriacError {
                    ending.withLockedValue { $0 = error.code }
                }
            }
            try await worker.ready()
            let sent = try await sender.send(Self.work())
            await started.wait()
            // At Redis only a connection that is in use tells that it is lost.
            await until {
                if log.lines(at: .critical).isEmpty { proxy.cut() }
                return !log.lines(at: .critical).isEmpty
            }
            #expect(!isOver.isOpen)
            goesOn.open()
            let value = try await sent.get(timeout: .seconds(60))
            #expect(value == 1)
            try await group.waitForAll()
        }
        #expect(ending.withLockedValue { $0 } == .unavailable)
        await app.close()
        await sender.close()
        try await proxy.stop()
        await server.stop()
    }
}
#endif
