import ArgumentParser
import CeleriacBridge
import CeleriacCommand
import CeleriacCore
import CeleriacWire
import Foundation
import Logging
import Metrics
import UnixSignals

/// `celeriac bridge`: connects task systems.
struct BridgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract: "Connect Celery and Machinery, or guard Celery workers against malformed messages.",
        discussion: """
            The file names the sides and the routes between their queues:

              ends:
                go:     {dialect: machinery, broker: "redis://localhost/0", results: "redis://localhost/0"}
                python: {dialect: celery, broker: "redis://localhost/1", results: "redis://localhost/2"}
              routes:
                - {name: to-python, from: go, to: python, tasks: {add: tasks.add}}

            What cannot be carried fails at its sender, and is parked with the reason: see `celeriac parked`. Any number \
            of bridges may run with one file. SIGTERM and SIGINT end one in good order. SIGHUP, and a file that has \
            changed, change its routes one by one; a file that cannot be used leaves them as they are.
            """,
        subcommands: [
            BridgeRunCommand.self, BridgeCheckCommand.self, BridgeExplainCommand.self, BridgeTestCommand.self,
            BridgeSchemaCommand.self, BridgeStatusCommand.self, BridgePauseCommand.self, BridgeResumeCommand.self,
            BridgeDrainCommand.self,
        ],
        defaultSubcommand: BridgeRunCommand.self)
}

/// The file of a bridge, as the verbs take it.
struct BridgeFileArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The bridge's file, in YAML.", valueName: "file"))
    var path: String

    /// The file as it is. An error is said on standard error, and ends the command with status 1.
    func bytes() throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            CommandEnvironment.say("\(path): \(error.localizedDescription)")
            throw ExitCode(1)
        }
    }

    /// Reads the file. An error is said as in ``bytes()``.
    func read() throws -> BridgeFile {
        let bytes = try self.bytes()
        do {
            return try BridgeFile(yaml: bytes, environment: ProcessInfo.processInfo.environment)
        } catch {
            CommandEnvironment.say(PlacedMessage(error.message).text(in: path))
            throw ExitCode(1)
        }
    }
}

/// `celeriac bridge FILE`: runs the bridge.
struct BridgeRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Run the bridge.")

    @OptionGroup var file: BridgeFileArgument

    @Option(name: [.customShort("l"), .long], help: "How much to log: debug, info, notice, warning or error.")
    var loglevel = "notice"

    @Option(help: "Show what would become of this many waiting messages of each route, and send nothing.")
    var dryRun: Int?

    @OptionGroup var checks: HealthOptions

    func validate() throws {
        guard Logger.Level(rawValue: loglevel.lowercased()) != nil else {
            throw ValidationError("There is no level '\(loglevel)' of logs.")
        }
        if let dryRun, dryRun < 1 { throw ValidationError("--dry-run needs a number, 1 or more.") }
    }

    func run() async throws {
        let bytes = try file.bytes()
        let read = try file.read()
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm, .sighup])
        let logger = self.logger
        let metrics = checks.makeMetrics()
        // Before anything is made that counts. No other code has a say in this process.
        if let metrics { MetricsSystem.bootstrap(metrics) }
        let bridge = try Bridge(read, logger: logger)
        if let dryRun {
            for line in try await bridge.rehearse(atMost: dryRun) { CommandEnvironment.write(line: line) }
            return
        }
        let reloader = BridgeReloader(
            bridge, path: file.path, bytes: bytes, environment: ProcessInfo.processInfo.environment, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals {
                    if signal == .sighup { reloader.reload() } else { bridge.stop() }
                }
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: .seconds(2))
                    reloader.look()
                }
            }
            defer { group.cancelAll() }
            try await BridgeHealth(bridge).answeringHealthChecks(
                at: checks.endpoint, metrics: metrics, logger: logger
            ) { _ in
                try await bridge.run()
            }
        }
    }

    private var logger: Logger {
        var logger = Logger(label: "celeriac.bridge") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: loglevel.lowercased()) ?? .notice
        return logger
    }
}

/// `celeriac bridge check FILE`: says what is wrong with a file.
struct BridgeCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the bridge's file; exit status 1 if something is wrong with it.")

    @OptionGroup var file: BridgeFileArgument

    @OptionGroup var printing: OutputOptions

    func run() async throws {
        let ways = try file.read().ways
        let routes = ways.map { way -> WireValue in
            [
                "name": .string(way.route.name), "from": .string(way.from), "queue": .string(way.route.sourceQueue),
                "to": .string(way.to), "target_queue": .string(way.route.targetQueue),
            ]
        }
        printing.output.show(["routes": .array(routes)]) {
            ways.map { way in
                let route = way.route
                return "\(route.name): \(way.from) (\(route.sourceQueue)) -> \(way.to) (\(route.targetQueue))"
            }
        }
    }
}

/// `celeriac bridge explain FILE`: shows what becomes of a message.
struct BridgeExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Read one message from standard input and show what the bridge would do with it.",
        discussion: """
            The message is as it lies in the queue: an envelope of Celery's, or a signature of Machinery's. Nothing is \
            sent. Exit status 1 means that it would be refused.

              redis-cli --raw lindex machinery_tasks 0 | celeriac bridge explain bridge.yaml --route to-python
            """)

    @OptionGroup var file: BridgeFileArgument

    @Option(help: "The route; needed if there are several.")
    var route: String?

    /// It prints JSON in any case. The flag is there so that `--json` can stand behind every verb.
    @OptionGroup var printing: OutputOptions

    func run() async throws {
        let file = try file.read()
        let input = CommandEnvironment.readInput()
        let explanation = try BridgeExplanation(of: input, route: route, in: file)
        CommandEnvironment.write(line: CommandOutput.json(.object(explanation.object)))
        if explanation.refusal != nil { throw ExitCode(1) }
    }
}
