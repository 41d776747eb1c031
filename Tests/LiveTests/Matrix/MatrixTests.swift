import CeleriacTestKit
import NIOConcurrencyHelpers
import Testing

/// Tests every case, in both directions, on every transport, between Swift and real Python Celery.
@Suite("Live matrix", .serialized)
struct MatrixTests {
    /// Tests one cell. The cases of a column run one after another, since they share a worker.
    @Test("Python ⇄ Swift", .timeLimit(.minutes(5)), arguments: MatrixColumn.available, MatrixCase.all)
    func cell(_ column: MatrixColumn, _ testCase: MatrixCase) async throws {
        let cell = await result(of: testCase, in: column)
        let table = MatrixTable.shared.withLockedValue { table in
            table[column, testCase] = cell
            return table
        }
        try table.write()
        if cell.isFailure { Issue.record("\(cell)") }
    }

    /// Tests that the last column's worker ends without an error, and closes the applications.
    @Test("ends", .timeLimit(.minutes(5)))
    func ends() async throws {
        try await MatrixColumns.shared.close()
    }

    private func result(of testCase: MatrixCase, in column: MatrixColumn) async -> InteropVerdict {
        if let reason = testCase.notApplicable(on: column.transport) { return .notApplicable(reason) }
        do {
            try await MatrixColumns.shared.column(column).run(testCase)
            return .passed
        } catch {
            return .failed(String(reflecting: error))
        }
    }
}
