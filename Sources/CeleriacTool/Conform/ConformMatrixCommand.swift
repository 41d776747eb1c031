import ArgumentParser
import CeleriacCommand
import CeleriacWire
import Foundation

/// `celeriac conform matrix`: sets the reports of several implementations beside one another.
struct ConformMatrixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matrix",
        abstract: "Set the reports of several implementations beside one another, as a page.",
        discussion: """
            The reports are those that --json-file of the other verbs writes, or of Compat/kit/run.py. Reports with the same name \
            become one column: the tiers and brokers of one implementation. Exit status 2 means that a report cannot be used.

              celeriac conform matrix --html matrix.html "Celery 5.7.0=celery.json" Celeriac=codec.json Celeriac=worker.json
            """)

    @Option(help: "The page to write.")
    var html: String

    @Argument(help: "The reports, as NAME=FILE, or as FILE for a report whose title is the name.")
    var reports: [String] = []

    func validate() throws {
        guard !reports.isEmpty else { throw ValidationError("Specify the reports: NAME=FILE, or FILE.") }
        try ReportOptions.refuse([ReportOptions.Target("--html", html)], over: reports.map { Self.parts($0).path })
    }

    func run() async throws {
        do {
            var matrix = ConformanceMatrix()
            for report in reports {
                let (name, path) = Self.parts(report)
                try Self.add(path, named: name, to: &matrix)
            }
            try Data(HTMLMatrix.text(matrix).utf8).write(to: URL(fileURLWithPath: html))
        } catch {
            CommandEnvironment.say("Error: \(error)")
            throw ExitCode(2)
        }
    }

    /// The name and the file of `NAME=FILE`.
    private static func parts(_ report: String) -> (name: String?, path: String) {
        let parts = report.split(separator: "=", maxSplits: 1).map(String.init)
        return (name: parts.count == 2 ? parts.first : nil, path: parts.last ?? report)
    }

    private static func add(_ path: String, named name: String?, to matrix: inout ConformanceMatrix) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConformanceError("\(path) cannot be read")
        }
        do {
            try matrix.add(try WireJSON.decode([UInt8](data), limits: .kit), named: name)
        } catch {
            throw ConformanceError("\(path): \(error)")
        }
    }
}
