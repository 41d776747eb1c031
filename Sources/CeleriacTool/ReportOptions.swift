import ArgumentParser
import CeleriacCommand
import Foundation

/// Where a run of many cases writes its report besides what it prints.
struct ReportOptions: ParsableArguments {
    @Option(help: "Write the report to this file as JSON.")
    var json: String?

    @Option(help: "Write the report to this file as JUnit's XML.")
    var junit: String?

    /// Writes a file, of which nobody sees a part.
    ///
    /// - Throws: `ExitCode` 2 if it cannot be written, which is said.
    static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            CommandEnvironment.say("Error: \(path) cannot be written: \(error)")
            throw ExitCode(2)
        }
    }
}
