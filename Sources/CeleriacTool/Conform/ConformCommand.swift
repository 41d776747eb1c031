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
              celeriac conform codec --explain celery/worker/malformed/not-json
            """,
        subcommands: [ConformCodecCommand.self])
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
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout is more than 0, up to 3600.") }
    }

    func run() async throws {
        do {
            if let id = choice.explain { return try choice.show(id, tier: "codec") }
            let corpus = try choice.corpus(tier: "codec")
            let cases = corpus.chosen(prefixes: choice.cases, seed: choice.seed)
            guard !cases.isEmpty else { throw ConformanceError("no case begins so") }
            let known = try reports.knownFailing.map { try KnownFailing(file: $0) } ?? .empty
            guard let name = command.first, let executable = WithServersCommand.executable(name) else {
                throw ConformanceError("there is no program \(command.first ?? "")")
            }
            let testee = CodecTestee(executable, Array(command.dropFirst()), timeout: .seconds(timeout))
            let rows = try await CodecRun(testee: testee).rows(of: cases)
            let summary = ConformanceSummary(
                title: command.joined(separator: " "), rows: rows, known: known, isWhole: choice.cases.isEmpty)
            for line in summary.lines { CommandEnvironment.write(line: line) }
            try reports.write(summary)
            if summary.exitStatus != 0 { throw ExitCode(summary.exitStatus) }
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

    /// Prints a case of a tier.
    func show(_ id: String, tier: String) throws {
        let dialect = Corpus.Dialect(rawValue: String(id.prefix { $0 != "/" })) ?? dialect
        let corpus = try Corpus(folder: kit, dialect: dialect, tier: tier)
        guard let found = corpus.cases.first(where: { $0.id == id }) else {
            throw ConformanceError("there is no case \(id)")
        }
        CommandEnvironment.write(line: "\(found.id) (\(found.level.rawValue), as a \(found.role))")
        CommandEnvironment.write(line: "Section: \(found.section)")
        CommandEnvironment.write(line: found.procedure)
        if let note = found.note { CommandEnvironment.write(line: note) }
        CommandEnvironment.write(line: "Versions: \(found.versions.joined(separator: ", "))")
        CommandEnvironment.write(line: CommandOutput.json(found.source))
    }
}

extension Corpus.Dialect: ExpressibleByArgument {}

/// Where reports go.
struct ConformReports: ParsableArguments {
    @Option(help: "A file with the ids of cases that are known to fail. It fails the run when it is stale.")
    var knownFailing: String?

    @Option(help: "Write the report as JSON.")
    var json: String?

    @Option(help: "Write the report as JUnit's XML.")
    var junit: String?

    @Option(help: "Write the report as a page.")
    var html: String?

    @Option(help: "Write the score as a badge in SVG.")
    var badge: String?

    /// Writes all that are asked for.
    func write(_ summary: ConformanceSummary) throws {
        if let json {
            let bytes = try WireJSON.encode(summary.json, style: .python)
            try Data(bytes).write(to: URL(fileURLWithPath: json))
        }
        if let junit { try write(JUnitReport.text(summary), to: junit) }
        if let html { try write(HTMLReport.text(summary), to: html) }
        if let badge { try write(BadgeReport.text(summary), to: badge) }
    }

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
}
