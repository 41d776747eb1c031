#if AMQP
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import Testing

/// Compares what a Swift worker and client declare at RabbitMQ with what Python declares there. Any differing flag
/// makes RabbitMQ close the channel of whichever side declares second.
@Suite("Celery's declarations at RabbitMQ", .timeLimit(.minutes(5)))
struct CeleryDeclarationTests {
    /// The exchanges, queues and bindings of a virtual host, with this run's ids removed from the names.
    private struct Declarations: Equatable {
        var exchanges: Set<String> = []
        var queues: Set<String> = []
        var bindings: Set<String> = []
    }

    /// Removes ids and node names.
    private static func plain(_ text: Substring) -> String {
        text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "<id>")
            .replacing(/python-[0-9]+@localhost|swift@declares/, with: "<node>")
            .description
    }

    private func declarations(_ server: RabbitMQServer, _ host: String) async throws -> Declarations {
        func rows(_ arguments: String...) async throws -> Set<String> {
            let output = try await server.rabbitmqctl(["--silent", "--vhost", host] + arguments)
            return Set(
                output.split(separator: "\n").map { Self.plain($0) }
                    // This leaves out the server's own objects, and the reply queues of Python's `inspect`.
                    .filter { !$0.hasPrefix("amq.") && !$0.hasPrefix("\t") && !$0.contains("reply.celery.pidbox") })
        }
        var declarations = Declarations()
        declarations.exchanges = try await rows("list_exchanges", "name", "type", "durable", "auto_delete", "arguments")
        declarations.queues = try await rows(
            "list_queues", "name", "durable", "auto_delete", "exclusive", "arguments")
        declarations.bindings = try await rows(
            "list_bindings", "source_name", "destination_name", "destination_kind", "routing_key", "arguments")
        return declarations
    }

    /// Starts a server with a virtual host for each.
    private func startServer() async throws -> RabbitMQServer {
        let server = try await RabbitMQServer.start()
        for host in ["swift", "python"] {
            try await server.rabbitmqctl("add_vhost", host)
            try await server.rabbitmqctl("set_permissions", "--vhost", host, "guest", ".*", ".*", ".*")
        }
        return server
    }

    @Test func areWhatPythonDeclares() async throws {
        let server = try await startServer()
        // Swift does not gossip, which listens to other workers' events, and there is nobody to mingle with.
        let python = PythonPeer(broker: server.url(virtualHost: "python"), results: "rpc://")
        let pythonWorker = try await python.startWorker(arguments: ["--without-mingle", "--without-gossip"])
        let driver = try await python.startDriver()
        let id = try await driver.send("tasks.add", [2, 3])
        #expect(try await driver.get(id) == .success(5))

        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(broker: server.url(virtualHost: "swift"), results: "rpc://", logger: logger)
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], nodeName: "swift@declares")
        ) { MatrixTasks.handlers }
        try await withRunning(worker) {
            #expect(try await app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(120)) == 5)
            let wanted = try await declarations(server, "python")
            // The mailbox is created separately from the queues.
            try await until { try await declarations(server, "swift").queues.count == wanted.queues.count }
            let made = try await declarations(server, "swift")
            #expect(made.exchanges == wanted.exchanges)
            #expect(made.queues == wanted.queues)
            #expect(made.bindings == wanted.bindings)
            // Both also match the specification.
            #expect(wanted.exchanges.contains("celery\tdirect\ttrue\tfalse\t[]"))
            #expect(wanted.exchanges.contains("celery.pidbox\tfanout\tfalse\tfalse\t[]"))
            #expect(wanted.queues.contains("celery\ttrue\tfalse\tfalse\t[]"))
            #expect(wanted.queues.contains { $0.hasPrefix("<id>\ttrue\ttrue\tfalse\t") && $0.contains("86400000") })
            #expect(
                wanted.queues.contains {
                    $0.hasPrefix("<node>.celery.pidbox\tfalse\ttrue\ttrue\t") && $0.contains("10000")
                        && $0.contains("300000")
                })
            #expect(wanted.bindings.contains("celery\tcelery\tqueue\tcelery\t[]"))
        }
        await driver.stop()
        await pythonWorker.stop()
        await app.close()
        await server.stop()
    }

    @Test("A receiver of events declares its queue as Python's does by the same settings")
    func eventQueues() async throws {
        let server = try await startServer()
        let written: [String: WireValue] = [
            "event_exchange": "news", "event_queue_prefix": "watch", "event_queue_ttl": 9, "event_queue_expires": 90,
            "event_queue_exclusive": false, "event_queue_durable": true,
        ]
        let python = PythonPeer(broker: server.url(virtualHost: "python"), results: "rpc://", settings: written)
        let driver = try await python.startDriver()
        _ = try await driver.ask("listen")

        let layer = SettingsLayer(place: "the test", WireObject(written.map { ($0.key, $0.value) }))
        var settings = try CelerySettings(layers: [layer])
        settings.broker = server.url(virtualHost: "swift")
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(settings: settings, logger: logger)
        let enough = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await app.listenToEvents(until: enough) { _ in } }
            defer { enough.open() }
            let wanted = try await declarations(server, "python")
            try await until { try await declarations(server, "swift").bindings.contains { $0.contains("watch.") } }
            let made = try await declarations(server, "swift")
            let queues = made.queues.filter { $0.hasPrefix("watch.") }
            #expect(queues == wanted.queues.filter { $0.hasPrefix("watch.") })
            #expect(queues.contains { $0.hasPrefix("watch.<id>\ttrue\tfalse\tfalse\t") && $0.contains("90000") })
            let bindings = made.bindings.filter { $0.contains("watch.") }
            #expect(bindings == wanted.bindings.filter { $0.contains("watch.") })
            #expect(made.exchanges.contains("news\ttopic\ttrue\tfalse\t[]"))
        }
        await driver.stop()
        await app.close()
        await server.stop()
    }
}
#endif
