import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import Testing

/// Tests Python's remote control and event receiver against a Swift worker on a folder.
@Suite("Remote control through files")
struct FilesystemControlTests {
    @Test("Python controls a Swift worker and receives its events", .timeLimit(.minutes(5)))
    func control() async throws {
        let folder = try TemporaryFolder("live")
        let (messages, control) = (folder.path + "/messages", folder.path + "/control")
        let python = try PythonPeer(
            messages: messages, control: control, results: folder.path + "/results",
            processed: folder.path + "/processed")
        let driver = try await python.startDriver()
        var configuration = CeleryConfiguration()
        configuration.filesystem = CeleryFilesystemOptions(folder: messages, controlFolder: control)
        configuration.control.sendsTaskEvents = true
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(
            broker: "filesystem://", results: "file://\(folder.path)/results", configuration: configuration,
            logger: logger)
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 1, nodeName: ControlledWorker.name)
        ) { MatrixTasks.handlers }
        try await withRunning(worker) {
            try await converse(app, driver)
        }
        // The worker has removed its binding, and left no file that nobody reads.
        let table = try String(contentsOfFile: control + "/celery.pidbox.exchange", encoding: .utf8)
        #expect(table == "[]")
        let left = try FileManager.default.contentsOfDirectory(atPath: messages)
        #expect(!left.contains { $0.hasSuffix("celery.pidbox.msg") && $0.contains(ControlledWorker.name) })
        await driver.stop()
        await app.close()
        folder.remove()
    }

    private func converse(_ app: CeleryApp, _ driver: PythonDriver) async throws {
        #expect(try await driver.ping() == [.object([ControlledWorker.name: ["ok": "pong"]])])
        #expect(try await driver.inspected("active_queues")?[0]?["name"] == "celery")
        _ = try await driver.ask("revoke", ["ids": ["dead-beef"]])
        try await until { try await driver.inspected("revoked") == ["dead-beef"] }
        _ = try await driver.ask("listen")
        let sent = try await driver.send("tasks.add", [2, 3])
        #expect(try await driver.get(sent) == .success(5))
        try await until {
            let events = try await driver.ask("heard")["events"]?.arrayValue ?? []
            return events.contains { $0["type"] == "task-succeeded" && $0["uuid"] == .string(sent) }
        }
    }
}
