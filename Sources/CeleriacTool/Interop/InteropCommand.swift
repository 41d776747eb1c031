import ArgumentParser
import CeleriacCommand
import CeleriacTestKit
import CeleriacWire
import Foundation

/// `celeriac interop`: cross-language integration tests by a file.
struct InteropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interop",
        abstract: "Try every producer with every worker, broker and result store that a file names.",
        discussion: """
            The file names workers and producers by their commands, brokers, result stores, and tasks with the results \
            or errors that all must agree on. Private servers are started, and every combination is tried: it is \
            passed, failed, n/a with the reason, or skipped with the peer that is missing. Prints the matrix, or with \
            --json the verdicts. Exit status 1 means that a combination failed, 2 that the file cannot be followed, or \
            that nothing was tried: no combination passed or failed.

              celeriac interop interop.yaml --json-file interop.json --junit interop.xml --require python

            The page CrossLanguageTests of the documentation has the file's keys and the protocol of the producers.
            """)

    @Argument(help: "The file.")
    var file = "interop.yaml"

    @OptionGroup var reports: ReportOptions

    @Option(help: "Write the matrix to this file, too.")
    var table: String?

    @Option(help: "Try only combinations whose name contains this text, such as 'python → swift'.")
    var only: String?

    @Option(
        help: ArgumentHelp(
            "This peer has to be there: a combination that is skipped without it has failed. May be repeated.",
            valueName: "peer"))
    var require: [String] = []

    @Flag(help: "Print the combinations and try none.")
    var list = false

    func validate() throws {
        try ReportOptions.refuse(reports.targets + [ReportOptions.Target("--table", table)], over: [file])
    }

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
        let peers = Set(matrix.cells.flatMap { [$0.producer.name, $0.worker.name] })
        if let unknown = require.first(where: { !peers.contains($0) }) {
            CommandEnvironment.say("Error: \(file) has no peer \(unknown), which --require names")
            throw ExitCode(2)
        }
        let output = reports.printing.output
        if list {
            return output.show(value: .array(cells.map { .string("\($0)") })) { cells.map { "\($0)" } }
        }
        let report = await matrix.report(of: cells, requiring: Set(require)) { entry in
            if entry.verdict.isFailure { CommandEnvironment.say("\(entry.cell): \(entry.verdict)") }
        }
        if output.json {
            CommandEnvironment.write(line: CommandOutput.json(report.json))
        } else {
            CommandEnvironment.write(text: report.text)
        }
        if let table { try ReportOptions.write(report.text, to: table) }
        if let json = reports.jsonFile { try ReportOptions.write(CommandOutput.json(report.json) + "\n", to: json) }
        if let junit = reports.junit { try ReportOptions.write(report.junit, to: junit) }
        if report.hasFailed { throw ExitCode(1) }
        guard report.hasTried else {
            CommandEnvironment.say("Error: nothing was tried: no combination passed or failed")
            throw ExitCode(2)
        }
    }
}
