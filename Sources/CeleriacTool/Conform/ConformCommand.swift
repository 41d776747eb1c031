import ArgumentParser
import CeleriacCommand
import CeleriacWire
import Foundation

/// `celeriac conform`: tests any implementation of the wire formats against the kit.
struct ConformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform",
        abstract: "Test an implementation of Celery's or Machinery's wire formats.",
        discussion: """
            The cases are those of Compat/kit, whose README says how a testee speaks. Exit status 1 means that a case \
            failed which is not known to fail, or that a case of --known-failing no longer does; 2, that nothing could \
            be tested.

              celeriac conform codec -- python3 Compat/kit/adapters/celery_codec.py
              celeriac conform worker --broker redis -- python3 Compat/kit/adapters/celery_live.py worker
              celeriac conform codec --explain celery/worker/malformed/not-json
            """,
        subcommands: [
            ConformCodecCommand.self, ConformWorkerCommand.self, ConformProducerCommand.self, ConformClientCommand.self,
            ConformBeatCommand.self, ConformMonitorCommand.self, ConformMatrixCommand.self,
        ])
}

/// `celeriac conform codec`: asks a program on its standard input.
struct ConformCodecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Ask a program that reads and writes messages, without a broker: a question a line.")

    @OptionGroup var choice: ConformChoice
    @OptionGroup var reports: ConformReports

    @Option(help: "How many seconds the program may take for one answer.")
    var timeout: Double = 10

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard choice.explain != nil || !command.isEmpty else {
            throw ValidationError("Specify the program to test, after --.")
        }
        try reports.validate(for: choice)
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout is more than 0, up to 3600.") }
    }

    func run() async throws {
        do {
            if let id = choice.explain { return try choice.show(id, tier: "codec", on: reports.output) }
            let cases = try choice.chosen(tier: "codec")
            let known = try reports.known()
            let executable = try choice.executable(command)
            let testee = CodecTestee(executable, Array(command.dropFirst()), timeout: .seconds(timeout))
            let rows = try await CodecRun(testee: testee).rows(of: cases)
            try reports.report(rows, of: command, known: known, isWhole: choice.cases.isEmpty)
        } catch let status as ExitCode {
            throw status
        } catch {
            CommandEnvironment.say("Error: \(error)")
            throw ExitCode(2)
        }
    }
}

/// Which cases.
struct ConformChoice: ParsableArguments {
    @Option(help: "The folder of the kit.")
    var kit = "Compat/kit"

    @Option(help: "celery or machinery.")
    var dialect: Corpus.Dialect = .celery

    @Option(name: .customLong("case"), help: "Only cases whose ids begin so; may be repeated.")
    var cases: [String] = []

    @Option(help: "Print a case and what it expects, and test nothing.")
    var explain: String?

    @Option(help: "Ask in an order that this number decides.")
    var seed: UInt64?

    /// The corpus of a tier.
    func corpus(tier: String) throws(ConformanceError) -> Corpus {
        try Corpus(folder: kit, dialect: dialect, tier: tier)
    }

    /// The chosen cases of a tier.
    ///
    /// - Throws: ``ConformanceError`` if there are none.
    func chosen(tier: String) throws(ConformanceError) -> [ConformanceCase] {
        let found = try corpus(tier: tier).chosen(prefixes: cases, seed: seed)
        guard !found.isEmpty else { throw ConformanceError("no case begins so") }
        return found
    }

    /// The path of a command's program.
    ///
    /// - Throws: ``ConformanceError`` if there is none.
    func executable(_ command: [String]) throws(ConformanceError) -> String {
        guard let name = command.first, let path = WithServersCommand.executable(name) else {
            throw ConformanceError("there is no program \(command.first ?? "")")
        }
        return path
    }

    /// The folder of the cases of the dialect, which a run reads.
    var folder: String { "\(kit)/\(dialect.rawValue)" }

    /// Prints a case of a tier: with `--json` the case alone.
    func show(_ id: String, tier: String, on output: CommandOutput) throws {
        let dialect = Corpus.Dialect(rawValue: String(id.prefix { $0 != "/" })) ?? dialect
        let corpus = try Corpus(folder: kit, dialect: dialect, tier: tier)
        guard let found = corpus.cases.first(where: { $0.id == id }) else {
            throw ConformanceError("there is no case \(id)")
        }
        let lines: [String?] = [
            "\(found.id) (\(found.level.rawValue), as a \(found.role))", "Section: \(found.section)", found.procedure,
            found.note, "Versions: \(found.versions.joined(separator: ", "))", CommandOutput.json(found.source),
        ]
        output.show(value: found.source) { lines.compactMap { $0 } }
    }
}

extension Corpus.Dialect: ExpressibleByArgument {}

/// Where reports go.
struct ConformReports: ParsableArguments {
    @Option(help: "A file with the ids of cases that are known to fail. It fails the run when it is stale.")
    var knownFailing: String?

    @OptionGroup var files: ReportOptions

    @Option(help: "Write the report as a page.")
    var html: String?

    @Option(help: "Write the score as a badge in SVG.")
    var badge: String?

    /// Where it prints.
    var output: CommandOutput { files.printing.output }

    /// Refuses to write over the cases, or over the list of those that are known to fail.
    ///
    /// - Throws: `ValidationError` that names the option.
    func validate(for choice: ConformChoice) throws {
        let targets = files.targets + [ReportOptions.Target("--html", html), ReportOptions.Target("--badge", badge)]
        try ReportOptions.refuse(targets, over: [choice.folder] + [knownFailing].compactMap { $0 })
    }

    /// The cases that are known to fail.
    ///
    /// - Throws: ``ConformanceError`` for a list that cannot be read.
    func known() throws(ConformanceError) -> KnownFailing {
        guard let knownFailing else { return .empty }
        return try KnownFailing(file: knownFailing)
    }

    /// Prints what a run found, writes the reports, and ends with the status of the run.
    ///
    /// - Throws: `ExitCode` if something failed; what writing throws.
    func report(
        _ rows: [ConformanceRow], of command: [String], known: KnownFailing, isWhole: Bool
    ) throws {
        let title = command.joined(separator: " ")
        let summary = ConformanceSummary(title: title, rows: rows, known: known, isWhole: isWhole)
        output.show(value: summary.json) { summary.lines }
        try write(summary)
        if summary.exitStatus != 0 { throw ExitCode(summary.exitStatus) }
    }

    /// Writes all that are asked for.
    func write(_ summary: ConformanceSummary) throws {
        if let json = files.jsonFile { try ReportOptions.write(CommandOutput.json(summary.json), to: json) }
        if let junit = files.junit { try ReportOptions.write(JUnitReport.text(summary), to: junit) }
        if let html { try ReportOptions.write(HTMLReport.text(summary), to: html) }
        if let badge { try ReportOptions.write(BadgeReport.text(summary), to: badge) }
    }
}
