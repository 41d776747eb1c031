import CeleriacWire
import Foundation

/// Verdicts by rows and columns for human readers, with the reasons below.
package struct VerdictTable: Sendable {
    /// A row.
    package struct Row: Sendable {
        /// Its name.
        package let name: String
        /// A verdict for each column; nil for a cell that nobody has filled.
        package let verdicts: [InteropVerdict?]

        /// Makes a row.
        package init(name: String, verdicts: [InteropVerdict?]) {
            self.name = name
            self.verdicts = verdicts
        }
    }

    private let headings: [[String]]
    private let rows: [Row]

    /// Makes a table.
    ///
    /// - Parameters:
    ///   - headings: lines of headings, each with the name of the first column and one text for each other column.
    ///   - rows: the rows.
    package init(headings: [[String]], rows: [Row]) {
        self.headings = headings
        self.rows = rows
    }

    /// The table's lines, each with its line end.
    package var text: String {
        var reasons: [String] = []
        func note(_ reason: String?) -> Int {
            let reason = reason ?? ""
            if let index = reasons.firstIndex(of: reason) { return index + 1 }
            reasons.append(reason)
            return reasons.count
        }
        var cells = headings
        for row in rows {
            var line = [row.name]
            for verdict in row.verdicts {
                switch verdict?.kind {
                case .passed?: line.append("passed")
                case .notApplicable?: line.append("n/a (\(note(verdict?.reason)))")
                case .skipped?: line.append("skipped (\(note(verdict?.reason)))")
                case .failed?: line.append("FAILED (\(note(verdict?.reason)))")
                case nil: line.append("EMPTY")
                }
            }
            cells.append(line)
        }
        let columns = cells.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            cells.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        let lines = cells.map { row in
            let padded = zip(row, widths).map { $0.padded(to: $1) }
            return padded.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
        let notes = reasons.enumerated().map { "(\($0.offset + 1)) \($0.element)" }
        return (lines + notes).joined(separator: "\n") + "\n"
    }
}
