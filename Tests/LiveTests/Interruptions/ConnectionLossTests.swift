#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Tests what `worker_cancel_long_running_tasks_on_connection_loss` does at RabbitMQ.
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
}
#endif
