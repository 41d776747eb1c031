import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation

/// Which workers a verb speaks to, for how long, and how it prints what they reply.
struct RemoteOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "How many seconds to wait for replies.")
    var timeout = 1.0

    @Option(
        name: .shortAndLong,
        help: "The node names of the workers, separated by commas. May be repeated. Default: all workers.")
    var destination: [String] = []

    @Flag(name: .shortAndLong, help: "Print no arrows, and no count of the workers.")
    var quiet = false

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        // NaN is in no range.
        guard 0.1...3600 ~= timeout else { throw ValidationError("--timeout must be from 0.1 to 3600 seconds.") }
        guard destination.isEmpty || nodes != nil else { throw ValidationError("--destination names no worker.") }
    }

    /// Checks that a broker is named, for the verbs that cannot do without one.
    ///
    /// - Throws: `ValidationError`.
    func requireBroker() throws { _ = try connection.brokerURL() }

    /// The names of the workers; nil for all.
    var nodes: [String]? {
        let names = CommaList.parts(destination)
        return names.isEmpty ? nil : names
    }

    /// Prints what workers reply.
    var printer: ReplyPrinter {
        ReplyPrinter(output: printing.output, style: connection.settings.style, isQuiet: quiet)
    }

    /// Remote control of the chosen workers.
    func control(of app: CeleryApp) -> CeleryControl {
        app.control(destination: nodes, timeout: .seconds(timeout))
    }

    /// Sends a command to the chosen workers, and collects what they reply.
    ///
    /// - Throws: `ExitCode` as ``ConnectionOptions/visit(_:)``, also if nobody has replied, as Celery's commands end then.
    func ask(_ command: String, _ arguments: WireObject = [:]) async throws -> [NodeReply] {
        let replies = try await connection.visit { app in
            try await control(of: app).broadcast(command, arguments, reply: true)
        }
        if replies.isEmpty {
            CommandEnvironment.say("Error: No nodes replied within time constraint")
            throw ExitCode.unavailable
        }
        return replies.map { NodeReply($0) }.sorted { $0.node < $1.node }
    }
}

/// What a worker replies, as it came.
struct NodeReply: Sendable {
    let node: String
    let value: WireValue

    init(node: String, value: WireValue) {
        self.node = node
        self.value = value
    }

    init(_ reply: ControlReply<WireValue>) {
        node = reply.node
        value =
            switch reply.result {
            case .success(let value): value
            case .failure(let error): ["error": .string(error.message)]
            }
    }
}

/// Names of an option that may be repeated and may have several each, with commas between them.
enum CommaList {
    /// The names without the spaces around them; none that is empty.
    static func parts(_ texts: [String]) -> [String] {
        texts.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
    }
}
