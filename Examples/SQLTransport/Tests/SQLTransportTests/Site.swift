import Celeriac
import CeleriacTestKit
import Foundation
import GRDB
@testable import SQLTransport

/// An SQLite file of its own, through which Swift and Python exchange tasks.
struct Site {
    let settings: [String: String]
    let app: CeleryApp
    let broker: SQLBroker
    let python: PythonPeer

    init() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "celeriac-\(UUID().uuidString).sqlite").path
        settings = [
            "broker_url": "sqla+sqlite:///\(file)", "result_backend": "db+sqlite:///\(file)",
            "broker_transport_options": "{polling_interval: 0.02, visibility_timeout: 3}",
            "result_backend_transport_options": "{polling_interval: 0.02}",
        ]
        let yaml = settings.map { "\($0): \($1)\n" }.joined()
        app = try CeleryApp(settings: CelerySettings(yaml: Array(yaml.utf8)), transports: [.sql])
        broker = try SQLBroker(CeleryTransport.Context(url: "sqla+sqlite:///\(file)"))
        python = PythonPeer(broker: "sqla+sqlite:///\(file)", results: "db+sqlite:///\(file)")
    }

    /// What a statement answers, a text a row.
    @discardableResult func ask(_ sql: String) async throws -> [String] {
        try await broker.database.write { try Row.fetchAll($0, sql: sql).map { "\(Array($0.databaseValues))" } }
    }

    func until(_ answer: String, to sql: String) async throws {
        while try await ask(sql) != [answer] { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// Runs a worker during `body`.
    func serve(_ worker: TaskWorker, _ body: () async throws -> Void) async throws {
        async let running: Void = worker.run()
        try await worker.ready()
        try await body()
        worker.stop()
        try await running
    }

    /// Runs a Python worker of the queue `celery` and a Swift worker of the queue `swift` during `body`.
    func serve(_ body: (PythonDriver) async throws -> Void) async throws {
        let worker = try await python.startWorker(queues: ["celery"])
        let driver = try await python.startDriver()
        let swift = app.worker(queues: ["swift"], concurrency: 4) {
            TaskDefinition<Int, Int, Int>("tasks.add", parameters: "x", "y").handler { $0 + $1 }
            TaskDefinition<[Int], Int>("tasks.sum_ints").handler { $0.reduce(0, +) }
            TaskDefinition<String, String, Void>("tasks.fail").handler { throw TaskFailure($0, $1) }
        }
        try await serve(swift) { try await body(driver) }
        await driver.stop()
        await worker.stop()
    }
}
