import Foundation

/// The process's environment and standard streams, as the commands use them.
package struct CommandEnvironment {
    /// For how long verbs try to reach a server where the settings do not say: as Celery's `broker_connection_timeout`.
    package static let patience = Duration.seconds(4)

    package init() {}

    subscript(name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    /// The whole environment.
    package var all: [String: String] { ProcessInfo.processInfo.environment }

    /// Prints a line on standard error.
    package static func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

    /// Prints a text on standard error in place of the line that stands there, without a line feed.
    static func sayInPlace(_ text: String) { FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8)) }

    /// All of standard input.
    static func readInput() -> [UInt8] { [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }

    /// Prints bytes and a line feed on standard output.
    package static func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes + [UInt8(ascii: "\n")])) }

    /// Prints a line on standard output.
    package static func write(line: String) { write(Array(line.utf8)) }
}

/// Runs `body` and then `close`, even if `body` throws.
func closing<Value>(_ close: () async -> Void, _ body: () async throws -> Value) async throws -> Value {
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await close()
    return try result.get()
}
