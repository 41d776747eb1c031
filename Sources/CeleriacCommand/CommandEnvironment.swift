import CeleriacWire
import Foundation

/// The process's environment and standard streams, as the commands use them.
struct CommandEnvironment {
    subscript(name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    /// The whole environment.
    var all: [String: String] { ProcessInfo.processInfo.environment }

    /// Prints a line on standard error.
    static func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

    /// All of standard input.
    static func readInput() -> [UInt8] { [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }

    /// Prints bytes and a line feed on standard output.
    static func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes + [UInt8(ascii: "\n")])) }

    /// Prints one JSON object in ASCII on standard output.
    static func write(_ object: WireObject) {
        write((try? WireJSON.encode(.object(object), style: .python, nonFinite: .allow)) ?? Array("{}".utf8))
    }

    /// Prints rows on standard output, each cell as wide as the widest of its column, with nothing that would control a
    /// terminal.
    static func write(table rows: [[String]]) {
        let rows = rows.map { $0.map(\.printable) }
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            write(Array(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces).utf8))
        }
    }
}

/// Runs `body` and then `close`, even if `body` throws.
func closing<Value>(_ close: () async -> Void, _ body: () async throws -> Value) async throws -> Value {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await close()
    return try result.get()
}
