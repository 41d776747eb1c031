import Celeriac
import CeleriacTestKit
import Testing

/// Every case, in both directions, on every transport, between Swift and real Python Celery.
@Suite("Live matrix", .serialized)
struct MatrixTests {
    @Test("Python → Swift → Python", .timeLimit(.minutes(5)), arguments: MatrixTransport.available)
    func pythonToSwift(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(queues: ["celery", "custom"], concurrency: 4) { MatrixTasks.handlers }
        let cases = PythonToSwift(site: site, driver: driver)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            await worker.ready()
            await report("Python → Swift", transport) { try await cases.run($0) }
            worker.stop()
            try await group.waitForAll()
        }
        await driver.stop()
        await site.close()
    }

    @Test("Swift → Python → Swift", .timeLimit(.minutes(5)), arguments: MatrixTransport.available)
    func swiftToPython(_ transport: MatrixTransport) async throws {
        let site = try await MatrixSite(transport)
        let worker = try await site.python.startWorker(pool: .threads, concurrency: 4, queues: ["celery", "custom"])
        let cases = SwiftToPython(site: site)
        await report("Swift → Python", transport) { try await cases.run($0) }
        await worker.stop()
        await site.close()
    }

    private func report(
        _ direction: String, _ transport: MatrixTransport, run: (MatrixCase) async throws -> Void
    ) async {
        var table = MatrixTable(direction: direction)
        for testCase in MatrixCase.allCases {
            if let reason = testCase.notApplicable(on: transport) {
                table[transport, testCase] = .notApplicable(reason)
                continue
            }
            do {
                try await run(testCase)
                table[transport, testCase] = .passed
            } catch {
                table[transport, testCase] = .failed(String(reflecting: error))
            }
        }
        print(table.text(of: transport))
        for defect in table.defects(of: transport) { Issue.record("\(direction), \(transport.rawValue): \(defect)") }
    }
}
