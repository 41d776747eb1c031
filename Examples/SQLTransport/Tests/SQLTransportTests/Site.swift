import CeleriacCore
import CeleriacTestKit
import Foundation
import GRDB
import SQLTransport

@testable import Celeriac

/// An SQLite file of its own, through which Swift and Python exchange tasks.
struct Site {
    let settings: [String: String]
    let app: CeleryApp
    let python: PythonPeer
    private let file: DatabaseQueue

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "celeriac-sql-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: "celery.sqlite").path
        settings = ["broker_url": "sqla+sqlite:///\(path)", "result_backend": "db+sqlite:///\(path)"]
        app = try CeleryApp(
            settings: CelerySettings(yaml: Array(settings.map { "\($0): \($1)\n" }.joined().utf8)),
            transports: [.sql(pollInterval: .milliseconds(20), visibilityTimeout: .seconds(3))])
        python = PythonPeer(broker: "sqla+sqlite:///\(path)", results: "db+sqlite:///\(path)")
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        file = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// The broker, which an application does not show.
    var broker: any MessageBroker { app.broker }

    /// What a statement answers, a text a row.
    @discardableResult
    func ask(_ sql: String) async throws -> [String] {
        try await file.write { try Row.fetchAll($0, sql: sql).map { "\(Array($0.databaseValues))" } }
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
