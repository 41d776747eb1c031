import Celeriac
import CeleriacTestKit

/// A Swift worker in this process that serves one task at a time, together with a Python driver.
enum ControlledWorker {
    static let name = "swift@control"

    /// Runs the worker while `body` runs, then stops it, then calls `after`.
    static func run(
        _ kind: BrokerSite.Kind, control: CeleryControlConfiguration = CeleryControlConfiguration(),
        _ body: @Sendable (BrokerSite, PythonDriver) async throws -> Void,
        after: @Sendable (BrokerSite, PythonDriver) async throws -> Void = { _, _ in }
    ) async throws {
        let site = try await BrokerSite(kind)
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 1, prefetchMultiplier: 4, nodeName: name),
            control: control
        ) { MatrixTasks.handlers }
        try await withRunning(worker) {
            try await body(site, driver)
        }
        try await after(site, driver)
        await driver.stop()
        await site.close()
    }
}
