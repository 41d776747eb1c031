import Celeriac
import CeleriacTestKit
import Testing

/// The sender and the worker of a live matrix column.
enum MatrixDirection: String, CaseIterable, Sendable {
    case pythonToSwift = "Python → Swift"
    case swiftToPython = "Swift → Python"
}

/// A column of the live matrix: a direction and a transport.
struct MatrixColumn: Hashable, Sendable, CustomTestStringConvertible {
    let direction: MatrixDirection
    let transport: MatrixTransport

    var testDescription: String { "\(direction.rawValue), \(transport.rawValue)" }

    static let all = MatrixDirection.allCases.flatMap { direction in
        MatrixTransport.allCases.map { MatrixColumn(direction: direction, transport: $0) }
    }

    /// The columns that this build supports.
    static var available: [MatrixColumn] { all.filter { $0.transport.absence == nil } }
}

/// A column with a running worker, which all its cases share.
struct RunningColumn: Sendable {
    let column: MatrixColumn
    /// Runs one case; throws if it fails.
    let run: @Sendable (MatrixCase) async throws -> Void
    /// Ends the worker and removes what the site created.
    let close: @Sendable () async throws -> Void

    init(_ column: MatrixColumn) async throws {
        let site = try await MatrixSite(column.transport)
        self.column = column
        switch column.direction {
        case .pythonToSwift:
            let driver = try await site.python.startDriver()
            let worker = site.app.worker(queues: ["celery", "custom"], concurrency: 4) { MatrixTasks.handlers }
            let running = Task { try await worker.run() }
            try await worker.ready()
            let cases = PythonToSwift(site: site, driver: driver)
            run = { try await cases.run($0) }
            close = {
                worker.stop()
                try await running.value
                await driver.stop()
                await site.close()
            }
        case .swiftToPython:
            let worker = try await site.python.startWorker(
                pool: .threads, concurrency: 4, queues: ["celery", "custom"])
            let cases = SwiftToPython(site: site)
            run = { try await cases.run($0) }
            close = {
                await worker.stop()
                await site.close()
            }
        }
    }
}

/// The column whose cases are running. It is closed at the first case of another column, or at the end.
actor MatrixColumns {
    static let shared = MatrixColumns()

    private var current: RunningColumn?

    /// The column, started if it is not the current one.
    func column(_ wanted: MatrixColumn) async throws -> RunningColumn {
        if let current, current.column == wanted { return current }
        try await close()
        let started = try await RunningColumn(wanted)
        current = started
        return started
    }

    /// Closes the current column.
    func close() async throws {
        let ending = current
        current = nil
        try await ending?.close()
    }
}
