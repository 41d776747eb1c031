import ArgumentParser
import CeleriacCommand
import CeleriacTestKit
import Foundation

/// `celeriac interop`: cross-language integration tests by a file.
struct InteropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interop",
        abstract: "Try every producer with every worker, broker and result store that a file names.",
        discussion: """
            The file names workers and producers by their commands, brokers, result stores, and tasks with the results \
            or errors that all must agree on. Private servers are started, and every combination is tried: it is \
            passed, failed, n/a with the reason, or skipped with the peer that is missing. Prints the matrix. Exit \
            status 1 means that a combination failed, 2 that the file cannot be followed.

              celeriac interop interop.yaml --json interop.json --junit interop.xml

            The page CrossLanguageTests of the documentation has the file's keys and the protocol of the producers.
            """)

    @Argument(help: "The file.")
    var file = "interop.yaml"

    @OptionGroup var reports: ReportOptions

    @Option(help: "Write the matrix to this file, too.")
    var table: String?

    @Option(help: "Try only combinations whose name contains this text, such as 'python → swift'.")
    var only: String?

    @Flag(help: "Print the combinations and try none.")
    var list = false

    func run() async throws {
        let matrix: InteropMatrix
        do {
            matrix = try InteropMatrix(file: file)
        } catch {
            CommandEnvironment.say("Error: \((error as? TestKitError)?.message ?? "\(error)")")
            throw ExitCode(2)
        }
        let cells = matrix.cells.filter { cell in only.map { "\(cell)".contains($0) } ?? true }
        guard !cells.isEmpty else {
            CommandEnvironment.say("Error: no combination of \(file) has a name that contains “\(only ?? "")”")
            throw ExitCode(2)
        }
        if list {
            for cell in cells { CommandEnvironment.write(line: "\(cell)") }
            return
        }
        let report = await matrix.report(of: cells) { entry in
            if entry.verdict.isFailure { CommandEnvironment.say("\(entry.cell): \(entry.verdict)") }
        }
        CommandEnvironment.write(text: report.text)
        if let table { try ReportOptions.write(report.text, to: table) }
        if let json = reports.json { try ReportOptions.write(CommandOutput.json(report.json) + "\n", to: json) }
        if let junit = reports.junit { try ReportOptions.write(report.junit, to: junit) }
        if report.hasFailed { throw ExitCode(1) }
    }
}
