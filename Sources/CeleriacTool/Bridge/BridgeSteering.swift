import ArgumentParser
import Celeriac
import CeleriacBridge
import CeleriacCommand
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Logging

/// Which routes of which bridges a verb speaks to.
struct BridgeSteering: ParsableArguments {
    @OptionGroup var file: BridgeFileArgument

    @Argument(help: "The route; all of them if it is left out.")
    var route: String?

    @Option(name: .shortAndLong, help: "How many seconds to wait for replies.")
    var timeout = 1.0

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 0.1...3600 ~= timeout else { throw ValidationError("--timeout must be from 0.1 to 3600 seconds.") }
    }

    /// Asks all bridges of the file, and prints what each replies.
    ///
    /// - Returns: what they reply, by their names.
    /// - Throws: `ExitCode`: 69 if none has replied or the broker cannot be reached, 1 if one cannot do it.
    @discardableResult
    func ask(_ command: String) async throws -> [String: WireValue] {
        let replies = try await self.replies(to: command)
        if replies.isEmpty {
            CommandEnvironment.say("Error: no bridge has replied within \(timeout) s")
            throw ExitCode(69)
        }
        let told = BridgeReplies(replies)
        printing.output.show(told.object) { told.lines }
        if told.haveErrors { throw ExitCode(1) }
        return replies
    }

    /// Sends a command to the bridges of the file. All of them listen at the brokers of both sides of each route, if those
    /// carry remote control. So the sides are asked in turn, until one has bridges that reply.
    ///
    /// - Throws: `ExitCode` 69 if no side can be reached.
    func replies(to command: String) async throws -> [String: WireValue] {
        let file = try file.read()
        var asked: Set<String> = []
        var failures: [any Error] = []
        for name in file.ways.flatMap({ [$0.to, $0.from] }) where asked.insert(name).inserted {
            guard let end = file.ends[name] else { continue }
            do {
                let replies = try await replies(to: command, at: end)
                if !replies.isEmpty { return replies }
            } catch {
                failures.append(error)
            }
        }
        if let failure = failures.first, failures.count == asked.count {
            CommandEnvironment.say("Error: \(FailureText.of(failure))")
            throw ExitCode(69)
        }
        return [:]
    }

    private func replies(to command: String, at end: BridgeEndSettings) async throws -> [String: WireValue] {
        var quiet = Logger(label: "celeriac.bridge")
        quiet.logLevel = .critical
        let app = try end.noting(logger: quiet, patience: CommandEnvironment.patience)
        let result: Result<[ControlReply<WireValue>], any Error>
        do {
            let control = app.control(pattern: BridgeNode.pattern, timeout: .seconds(timeout))
            result = .success(
                try await control.broadcast(command, route.map { ["route": .string($0)] } ?? [:], reply: true))
        } catch {
            result = .failure(error)
        }
        await app.close()
        var replies: [String: WireValue] = [:]
        for reply in try result.get() {
            switch reply.result {
            case .success(let value): replies[reply.node] = value
            case .failure(let error): replies[reply.node] = ["error": .string(error.message)]
            }
        }
        return replies
    }
}

/// `celeriac bridge status FILE [ROUTE]`: tells what routes do.
struct BridgeStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Ask the bridges that run what their routes do.")

    @OptionGroup var steering: BridgeSteering

    func run() async throws { try await steering.ask("bridge_status") }
}

/// `celeriac bridge pause FILE [ROUTE]`: takes no more messages.
struct BridgePauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Take no more messages, and bring the replies that come.",
        discussion: "A bridge that starts later does not know of it: write `paused: true` into the file for that.")

    @OptionGroup var steering: BridgeSteering

    func run() async throws { try await steering.ask("bridge_pause") }
}

/// `celeriac bridge resume FILE [ROUTE]`: takes messages again.
struct BridgeResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Take messages again.")

    @OptionGroup var steering: BridgeSteering

    func run() async throws { try await steering.ask("bridge_resume") }
}

/// `celeriac bridge drain FILE [ROUTE]`: takes no more messages, and waits for the last reply.
struct BridgeDrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Take no more messages, and wait until the last reply is back.",
        discussion: """
            Exit status 1 means that replies were still to come when the time was over, or that a bridge cannot do it.
            """)

    @OptionGroup var steering: BridgeSteering

    @Option(help: "How many seconds to wait for the last reply.")
    var wait = 60.0

    func validate() throws {
        // NaN is in no range.
        guard 0...Double(Duration.longestSeconds) ~= wait else {
            throw ValidationError("--wait must be from 0 to \(Duration.longestSeconds) seconds.")
        }
    }

    func run() async throws {
        let end = ContinuousClock.now + .seconds(wait)
        var replies = try await steering.replies(to: "bridge_drain")
        // A bridge that cannot do it, for instance for want of such a route, will not do so later.
        while !Self.areDrained(replies), !BridgeReplies(replies).haveErrors, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(500))
            replies = try await steering.replies(to: "bridge_status")
        }
        replies = try await steering.ask("bridge_status")
        if !Self.areDrained(replies) { throw ExitCode(1) }
    }

    /// Whether no route of any bridge waits for replies.
    private static func areDrained(_ replies: [String: WireValue]) -> Bool {
        replies.values.allSatisfy { routes in
            (routes.objectValue ?? [:]).allSatisfy { _, route in route["state"] == "drained" }
        }
    }
}

/// `celeriac bridge schema`: prints what a file may have.
struct BridgeSchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of a bridge's file, for editors.",
        discussion: """
            An editor with a YAML language server takes it from the first line of the file:

              # yaml-language-server: $schema=bridge.schema.json
            """)

    func run() async throws {
        CommandEnvironment.write(try WireJSON.encode(.object(BridgeFile.schema), style: .readable))
    }
}
