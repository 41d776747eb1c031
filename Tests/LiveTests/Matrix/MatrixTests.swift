import Celeriac
import CeleriacTestKit
import NIOConcurrencyHelpers
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
            try await worker.ready()
            try await report(.pythonToSwift, transport) { try await cases.run($0) }
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
        try await report(.swiftToPython, transport) { try await cases.run($0) }
        await worker.stop()
        await site.close()
    }

    private func report(
        _ direction: MatrixDirection, _ transport: MatrixTransport, run: (MatrixCase) async throws -> Void
    ) async throws {
        let column = MatrixTable.Column(direction: direction, transport: transport)
        for testCase in MatrixCase.allCases {
            let cell = await cell(testCase, on: transport, run: run)
            MatrixTable.shared.withLockedValue { $0[column, testCase] = cell }
        }
        let table = MatrixTable.shared.withLockedValue { $0 }
        try table.write()
        for defect in table.defects(of: column) {
            Issue.record("\(direction.rawValue), \(transport.rawValue): \(defect)")
        }
    }

    private func cell(
        _ testCase: MatrixCase, on transport: MatrixTransport, run: (MatrixCase) async throws -> Void
    ) async -> MatrixTable.Cell {
        if let reason = testCase.notApplicable(on: transport) { return .notApplicable(reason) }
        do {
            try await run(testCase)
            return .passed
        } catch {
            return .failed(String(reflecting: error))
        }
    }
}
