package import CeleriacWire

/// The verdicts of a run of an interop matrix, as a table, as JSON and as JUnit's XML.
package struct InteropReport: Sendable {
    /// A cell that has been tried.
    package struct Entry: Sendable {
        /// The cell.
        package let cell: InteropCell
        /// What became of it.
        package let verdict: InteropVerdict
        /// How many seconds that took.
        package let seconds: Double

        /// Makes an entry.
        package init(cell: InteropCell, verdict: InteropVerdict, seconds: Double) {
            self.cell = cell
            self.verdict = verdict
            self.seconds = seconds
        }
    }

    /// The cells in the order of the run.
    package private(set) var entries: [Entry] = []
    private let expected: [InteropCell]

    /// Makes an empty report.
    ///
    /// - Parameter expected: the cells that have to be tried; those that were not are empty in the table.
    package init(of expected: [InteropCell] = []) { self.expected = expected }

    /// Adds a cell.
    package mutating func add(_ entry: Entry) { entries.append(entry) }

    /// How many cells have a verdict of a kind.
    package func count(_ kind: InteropVerdict.Kind) -> Int { entries.count(where: { $0.verdict.kind == kind }) }

    /// Whether a cell failed.
    package var hasFailed: Bool { count(.failed) > 0 }

    /// Whether a cell was tried at all: one that does not apply or was skipped says nothing.
    package var hasTried: Bool { count(.passed) + count(.failed) > 0 }

    /// How many cells passed, failed, do not apply and were skipped, in one line.
    package var summary: String {
        "\(count(.passed)) passed, \(count(.failed)) failed, \(count(.notApplicable)) n/a, \(count(.skipped)) skipped"
    }

    // MARK: The table

    /// A table for each transport that the dialect has, with a row for each case and a column for each pair of peers.
    package var text: String {
        let verdicts = Dictionary(entries.map { ($0.cell, $0.verdict) }) { first, _ in first }
        let cells = Self.distinct(expected + entries.map(\.cell))
        var parts: [String] = []
        for transport in Self.distinct(cells.map(\.transport)) {
            let here = cells.filter { $0.transport == transport }
            if let dialect = here.first?.dialect, let reason = transport.absence(in: dialect) {
                parts.append("\(transport): n/a: \(reason)\n")
                continue
            }
            let columns = Self.distinct(here.map(\.column))
            let rows = Self.distinct(here.map(\.testCase.name)).map { name in
                let row = columns.map { column in
                    here.first { $0.column == column && $0.testCase.name == name }.flatMap { verdicts[$0] }
                }
                return VerdictTable.Row(name: name, verdicts: row)
            }
            parts.append(VerdictTable(headings: [["\(transport)"] + columns], rows: rows).text)
        }
        return (parts + [summary + "\n"]).joined(separator: "\n")
    }

    private static func distinct<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }

    // MARK: JSON

    /// The report as JSON.
    package var json: WireValue {
        var counts: WireObject = [:]
        for kind in InteropVerdict.Kind.allCases { counts[kind.rawValue] = .int(Int64(count(kind))) }
        return ["counts": .object(counts), "cells": .array(entries.map(Self.object))]
    }

    private static func object(_ entry: Entry) -> WireValue {
        let cell = entry.cell
        var object: WireObject = [
            "dialect": .string(cell.dialect.rawValue), "producer": .string(cell.producer.name),
            "worker": .string(cell.worker.name), "broker": .string(cell.transport.broker.rawValue),
            "results": .string(cell.transport.store.rawValue), "task": .string(cell.testCase.name),
            "shape": .string(cell.testCase.shape.rawValue), "verdict": .string(entry.verdict.kind.rawValue),
            "seconds": .double(entry.seconds),
        ]
        object["reason"] = entry.verdict.reason.map { WireValue.string($0) }
        return .object(object)
    }

    // MARK: JUnit

    /// The report as JUnit's XML: a suite for each pair of peers on a transport. Cells that do not apply are skipped ones
    /// there, whose message begins with n/a.
    package var junit: String {
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#]
        lines.append("<testsuites\(Self.totals(entries))>")
        for name in Self.distinct(entries.map(Self.suite)) {
            let here = entries.filter { Self.suite($0) == name }
            lines.append("  <testsuite name=\"\(name.xml)\"\(Self.totals(here))>")
            for entry in here { lines += Self.lines(of: entry, in: name) }
            lines.append("  </testsuite>")
        }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func suite(_ entry: Entry) -> String { "\(entry.cell.column), \(entry.cell.transport)" }

    private static func totals(_ entries: [Entry]) -> String {
        let failures = entries.count(where: { $0.verdict.isFailure })
        let skipped = entries.count(where: {
            $0.verdict.kind == .skipped || $0.verdict.kind == .notApplicable
        })
        let seconds = entries.reduce(0) { $0 + $1.seconds }
        let counts = " tests=\"\(entries.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
        return counts + " time=\"\(seconds)\""
    }

    private static func lines(of entry: Entry, in suite: String) -> [String] {
        let name = entry.cell.testCase.name.xml
        let start = "    <testcase classname=\"\(suite.xml)\" name=\"\(name)\" time=\"\(entry.seconds)\""
        let reason = (entry.verdict.reason ?? "").xml
        switch entry.verdict.kind {
        case .passed: return [start + "/>"]
        case .failed: return [start + ">", "      <failure message=\"\(reason)\"/>", "    </testcase>"]
        case .skipped: return [start + ">", "      <skipped message=\"\(reason)\"/>", "    </testcase>"]
        case .notApplicable: return [start + ">", "      <skipped message=\"n/a: \(reason)\"/>", "    </testcase>"]
        }
    }
}

extension String {
    /// The text as it may stand in an attribute in XML 1.0, which has no control characters but these three.
    fileprivate var xml: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n", "\t", "\r": text += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
