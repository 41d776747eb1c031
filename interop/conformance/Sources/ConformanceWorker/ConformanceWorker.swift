import Celeriac
import Foundation
import Logging

/// Serves the tasks of Celery's integration tests. Broker, result store and node name come from the environment, as the
/// suite's runner sets them.
@main enum ConformanceWorker {
    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        var configuration = CeleryConfiguration()
        configuration.resultExtended = true
        configuration.control.sendsTaskEvents = true
        configuration.control.commands = [
            CeleryControlCommand("pidbox_reset_error") { _ in
                throw TaskFailure("RuntimeError", "pidbox reset integration test")
            }
        ]
        let logger = Logger(label: "conformance") { StreamLogHandler.standardError(label: $0) }
        let results = environment["TEST_BACKEND"] ?? environment["CELERY_RESULT_BACKEND"]
        let app = try CeleryApp(
            broker: environment["TEST_BROKER"] ?? environment["CELERY_BROKER_URL"] ?? "redis://localhost",
            results: results == "rpc" ? "rpc://" : results, configuration: configuration, logger: logger)
        // Early acknowledgement is Celery's default, which the tests rely on.
        var settings = WorkerConfiguration(queues: ["celery"], concurrency: 1, acknowledgement: .early)
        if let name = environment["FOREIGN_NODENAME"] { settings.nodeName = name }
        let worker = app.worker(settings) {
            PlainTasks.handlers
            RequestTasks.handlers
            CanvasTasks.handlers
        }
        try await worker.launch()
        await app.close()
    }
}
