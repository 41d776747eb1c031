import ArgumentParser
package import CeleriacWire
import CeleryWire
import Foundation

/// How a verb prints what it has to say: `--json`.
package struct OutputOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print JSON, one object in ASCII.")
    package var json = false

    package init() {}

    /// Where it prints that.
    package var output: CommandOutput { CommandOutput(json: json) }
}

/// Standard output, as a person reads it or as one JSON object in ASCII. All verbs print by it.
package struct CommandOutput: Sendable {
    /// Whether JSON is wanted.
    package let json: Bool

    /// Makes an output.
    package init(json: Bool) { self.json = json }

    /// Prints the object if JSON is wanted, else the lines.
    package func show(_ object: @autoclosure () -> WireObject, lines: () -> [String]) {
        show(value: .object(object()), lines: lines)
    }

    /// Prints the value if JSON is wanted, else the lines. It is for what Celery prints as something else than an object.
    package func show(value: @autoclosure () -> WireValue, lines: () -> [String]) {
        if json { return write(Self.text(of: value(), style: .python)) }
        for line in lines() { write(line) }
    }

    /// A value as it is printed: in ASCII if JSON is wanted, else as a person reads it.
    package func text(of value: WireValue) -> String { Self.text(of: value, style: json ? .python : .readable) }

    /// A value in one line of JSON, in ASCII.
    package static func json(_ value: WireValue) -> String { text(of: value, style: .python) }

    private static func text(of value: WireValue, style: JSONStyle) -> String {
        // A value is a few levels deeper here than in its message.
        let depth = WireLimits.celery.maximumDepth + 8
        let bytes = try? WireJSON.encode(value.withoutBytes, style: style, nonFinite: .allow, maximumDepth: depth)
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? String(describing: value)
    }

    private func write(_ line: String) { CommandEnvironment.write(line: line) }
}

/// Rows below a row of headings, each cell as wide as the widest of its column, with nothing that would control a
/// terminal.
package struct TextTable: Sendable {
    private let headings: [String]
    private let rows: [[String?]]
    private let empty: String

    /// Makes a table.
    ///
    /// - Parameters:
    ///   - headings: what stands above the columns.
    ///   - rows: the cells of each row; nil is shown as a dash.
    ///   - empty: the line that is shown instead of a table without rows.
    package init(_ headings: [String], _ rows: [[String?]], empty: String) {
        self.headings = headings
        self.rows = rows
        self.empty = empty
    }

    /// The table's lines.
    package var lines: [String] {
        if rows.isEmpty { return [empty] }
        let cells = [headings] + rows.map { $0.map { ($0 ?? "-").printable } }
        let widths = headings.indices.map { column in
            cells.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return cells.map { row in
            let padded = zip(row, widths).map { $0.padded(to: $1) }
            let line = padded.joined(separator: "  ")
            return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
        }
    }
}

extension WireValue {
    /// The value with Base64 in place of bytes, which JSON does not have.
    fileprivate var withoutBytes: WireValue {
        switch self {
        case .bytes(let bytes): ["base64": .string(Base64.encode(bytes))]
        case .array(let values): .array(values.map(\.withoutBytes))
        case .object(let object): .object(WireObject(object.map { ($0.key, $0.value.withoutBytes) }))
        default: self
        }
    }
}

extension String {
    /// The text as it may stand in a line of a terminal: what would control it is escaped.
    package var printable: String {
        unicodeScalars.contains(where: \.controls)
            ? unicodeScalars.reduce(into: "") { text, scalar in
                text += scalar.controls ? scalar.escaped(asASCII: true) : String(scalar)
            } : self
    }
}

extension Unicode.Scalar {
    /// Whether a terminal may do something else than to show it.
    fileprivate var controls: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
