import Foundation
import Glibc

/// The process's environment and standard streams, as the commands use them.
package struct CommandEnvironment {
    /// For how long verbs try to reach a server where the settings do not say: as Celery's `broker_connection_timeout`.
    package static let patience = Duration.seconds(4)

    package init() {}

    subscript(name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    /// The whole environment.
    package var all: [String: String] { ProcessInfo.processInfo.environment }

    /// Prints a line on standard error.
    package static func say(_ line: String) { tell(line + "\n", on: .error) }

    /// Prints a text on standard error in place of the line that stands there, without a line feed.
    static func sayInPlace(_ text: String) { tell("\r\u{1B}[K\(text)", on: .error) }

    /// Prints a text that is not what the process is for: where nobody can read it, the process goes on.
    static func tell(_ text: String, on stream: StandardStream = .output) { _ = stream.write(Array(text.utf8)) }

    /// All of standard input. The process ends with status 74 if that cannot be read.
    package static func readInput() -> [UInt8] {
        do {
            return [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
        } catch {
            say("Error: cannot read standard input: \(error.localizedDescription)")
            exit(EX_IOERR)
        }
    }

    /// Prints a text on standard output as it is. The process ends if that cannot be written (``StandardStream/end(_:)``).
    package static func write(text: String) { writeAll(Array(text.utf8)) }

    /// Prints bytes and a line feed on standard output.
    package static func write(_ bytes: [UInt8]) { writeAll(bytes + [UInt8(ascii: "\n")]) }

    /// Prints a line on standard output.
    package static func write(line: String) { write(Array(line.utf8)) }

    private static func writeAll(_ bytes: [UInt8]) {
        if let failure = StandardStream.output.write(bytes) { StandardStream.end(failure) }
    }
}

/// Runs `body` and then `close`, even if `body` throws.
func closing<Value>(_ close: () async -> Void, _ body: () async throws -> Value) async throws -> Value {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await close()
    return try result.get()
}
