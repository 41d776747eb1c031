import Foundation
import NIOConcurrencyHelpers

/// What the live matrix found, direction by transport by case. A cell that nobody filled is a failure, which
/// `Scripts/live-matrix` finds after the run: in the run nobody can tell whether a test is still to come.
struct MatrixTable {
    enum Cell: Equatable {
        case passed
        case notApplicable(String)
        case failed(String)
    }
    struct Column: Hashable {
        let direction: MatrixDirection
        let transport: MatrixTransport

        static let all = MatrixDirection.allCases.flatMap { direction in
            MatrixTransport.allCases.map { Column(direction: direction, transport: $0) }
        }
    }

    private var cells: [Column: [MatrixCase: Cell]] = [:]

    /// The table of this run.
    static let shared = NIOLockedValueBox(MatrixTable())

    subscript(column: Column, testCase: MatrixCase) -> Cell? {
        get {
            if let reason = column.transport.absence { return .notApplicable(reason) }
            return cells[column]?[testCase]
        }
        set { cells[column, default: [:]][testCase] = newValue }
    }

    /// The cells of a column that are missing or failed, as text.
    func defects(of column: Column) -> [String] {
        MatrixCase.allCases.compactMap { testCase in
            switch self[column, testCase] {
            case .passed, .notApplicable: nil
            case .failed(let reason): "\(testCase.rawValue): \(reason)"
            case nil: "\(testCase.rawValue): not run"
            }
        }
    }

    /// All of it, for a person: the reasons stand below.
    var text: String {
        var reasons: [String] = []
        func note(_ reason: String) -> Int {
            if let index = reasons.firstIndex(of: reason) { return index + 1 }
            reasons.append(reason)
            return reasons.count
        }
        var rows = [
            [""] + Column.all.map(\.direction.rawValue), ["case"] + Column.all.map(\.transport.rawValue),
        ]
        for testCase in MatrixCase.allCases {
            rows.append(
                [testCase.rawValue]
                    + Column.all.map { column in
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

    /// Writes it, as far as it is filled, to the file that `CELERIAC_MATRIX` names, if that is set.
    func write() throws {
        guard let path = ProcessInfo.processInfo.environment["CELERIAC_MATRIX"] else { return }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
