import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers

/// The results of the live matrix by direction, transport and case. A cell without a result is a failure, which
/// `Scripts/live-matrix` detects after the run: during the run, nobody can tell whether a test is still to come.
struct MatrixTable {
    private var cells: [MatrixColumn: [String: InteropVerdict]] = [:]

    /// The table of this run.
    static let shared = NIOLockedValueBox(MatrixTable())

    subscript(column: MatrixColumn, testCase: MatrixCase) -> InteropVerdict? {
        get {
            if let reason = column.transport.absence { return .notApplicable(reason) }
            return cells[column]?[testCase.name]
        }
        set { cells[column, default: [:]][testCase.name] = newValue }
    }

    /// The whole table for human readers, with the reasons below it.
    var text: String {
        let headings = [
            [""] + MatrixColumn.all.map(\.direction.rawValue), ["case"] + MatrixColumn.all.map(\.transport.rawValue),
        ]
        let rows = MatrixCase.all.map { testCase in
            VerdictTable.Row(name: testCase.name, verdicts: MatrixColumn.all.map { self[$0, testCase] })
        }
        return VerdictTable(headings: headings, rows: rows).text
    }

    /// Writes the table, as far as it is filled, to the file named by `CELERIAC_MATRIX`, if that is set.
    func write() throws {
        guard let path = ProcessInfo.processInfo.environment["CELERIAC_MATRIX"] else { return }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
