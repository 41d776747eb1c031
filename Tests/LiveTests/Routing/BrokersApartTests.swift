#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import Testing

/// Tests settings by which a worker takes tasks from another broker than it sends them to.
@Suite("Brokers to read from and to write to")
struct BrokersApartTests {
    private static let work = TaskDefinition<Int, Int>("tasks.work")

    private func worker(of app: CeleryApp, _ runs: Runs) -> TaskWorker {
        app.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.work.handler { number in
                runs.add(number)
                return number
            }
        }
    }

    @Test(
        "Tasks go to broker_write_url, and come, as requests of remote control do, from broker_read_url",
        .timeLimit(.minutes(5)))
    func apart() async throws {
        let write = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let read = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let yaml = "{broker_url: 'amqp://nobody', broker_write_url: '\(write)', broker_read_url: '\(read)'}"
        let app = try CeleryApp(settings: try CelerySettings(yaml: Array(yaml.utf8)))
        let (reader, writer) = (try CeleryApp(broker: read), try CeleryApp(broker: write))
        let (taken, left) = (Runs(), Runs())
        let unanswered = SendOptions(ignoresResult: true)
        try await withRunning(worker(of: app, taken)) {
            try await app.send(Self.work(1).with(unanswered))
            try await reader.send(Self.work(2).with(unanswered))
            await until { taken.total == 1 }
            let driver = try await PythonPeer(broker: read, results: "rpc://").startDriver()
            #expect(try await driver.ping().count == 1)
            await driver.stop()
        }
        try await withRunning(worker(of: writer, left)) { await until { left.total == 1 } }
        // Each has run once where it had to.
        #expect(taken.total == 1 && !taken.add(2) && !left.add(1))
        for app in [app, reader, writer] { await app.close() }
    }
}
#endif
