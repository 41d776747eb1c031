import Foundation

/// The end of a log file, for error messages.
package enum LogTail {
    /// Its last lines; empty where there is no such file.
    package static func of(_ path: String, lines count: Int = 80) -> String {
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.suffix(count).joined(separator: "\n")
    }
}
