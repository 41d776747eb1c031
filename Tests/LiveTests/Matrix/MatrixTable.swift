import Foundation
import NIOConcurrencyHelpers

/// The results of the live matrix by direction, transport and case. A cell without a result is a failure, which
/// `Scripts/live-matrix` detects after the run: during the run, nobody can tell whether a test is still to come.
struct MatrixTable {
    enum Cell: Equatable {
        case passed
        case notApplicable(String)
        case failed(String)
    }

    private var cells: [MatrixColumn: [String: Cell]] = [:]

    /// The table of this run.
    static let shared = NIOLockedValueBox(MatrixTable())

    subscript(column: MatrixColumn, testCase: MatrixCase) -> Cell? {
        get {
            if let reason = column.transport.absence { return .notApplicable(reason) }
            return cells[column]?[testCase.name]
        }
        set { cells[column, default: [:]][testCase.name] = newValue }
    }

    /// The whole table for human readers, with the reasons below it.
    var text: String {
        var reasons: [String] = []
        func note(_ reason: String) -> Int {
            if let index = reasons.firstIndex(of: reason) { return index + 1 }
            reasons.append(reason)
            return reasons.count
        }
        var rows = [
            [""] + MatrixColumn.all.map(\.direction.rawValue), ["case"] + MatrixColumn.all.map(\.transport.rawValue),
        ]
        for testCase in MatrixCase.all {
            rows.append(
                [testCase.name]
                    + MatrixColumn.all.map { column in
                        switch self[column, testCase] {
                        case .passed: "passed"
                        case .notApplicable(let reason): "n/a (\(note(reason)))"
                        case .failed(let reason): "FAILED (\(note(reason)))"
                        case nil: "EMPTY"
                        }
                    })
        }
        let lines = rows.map { row in
            row.enumerated().map { $1.padding(toLength: $0 == 0 ? 43 : 19, withPad: " ", startingAt: 0) }.joined()
        }
        let notes = reasons.enumerated().map { "(\($0 + 1)) \($1)" }
        return (lines + notes).joined(separator: "\n") + "\n"
    }

    /// Writes the table, as far as it is filled, to the file named by `CELERIAC_MATRIX`, if that is set.
    func write() throws {
        guard let path = ProcessInfo.processInfo.environment["CELERIAC_MATRIX"] else { return }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
