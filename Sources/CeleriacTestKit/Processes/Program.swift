import Foundation
import Glibc

/// Finds programs and runs short commands.
package enum Program {
    /// The path of a program, which is looked up in `folders`, then in `PATH`, then where Debian keeps programs for
    /// root only. `install` says what to install, for the error.
    package static func find(_ name: String, in folders: [String] = [], install: String) throws(TestKitError) -> String
    {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let searched = folders + path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
        for folder in searched where access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
        throw TestKitError(.missingProgram, "\(name) is not installed; install \(install)")
    }

    /// Runs a command to its end and returns its standard output.
    ///
    /// - Throws: ``TestKitError`` with code `commandFailed` if the command fails.
    @discardableResult
    package static func run(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil
    ) async throws(TestKitError) -> String {
        let folder = try TemporaryFolder("command")
        defer { folder.remove() }
        let output = folder.path + "/output"
        let errors = folder.path + "/errors"
        let child = try ChildProcess(
            executable, arguments, environment: environment, output: .file(output), error: .file(errors))
        let status = await child.wait()
        let printed = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
        guard status.isSuccess else {
            let words = ([executable] + arguments).joined(separator: " ")
            throw TestKitError(.commandFailed, "\(words) ended with \(status):\n\(LogTail.of(errors))\(printed)")
        }
        return printed
    }
}

/// The end of a log file, for error messages.
package enum LogTail {
    /// The last lines of the file; empty if it does not exist.
    package static func of(_ path: String, lines count: Int = 80) -> String {
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.suffix(count).joined(separator: "\n")
    }
}
