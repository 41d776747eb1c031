import ArgumentParser
import CeleriacWire
import Foundation

/// `celeriac revoke`: has workers drop tasks.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Have workers drop tasks by their ids or stamps, and end those that run.",
        discussion: ProgramContext.naming(
            """
            Workers drop a revoked task when it arrives, and what waits in one ends as revoked; what runs goes on without \
            --terminate. Workers keep this in memory: one that starts later knows it only from its neighbours (Python) or \
            a --statedb. Prints what each worker replies, as control revoke does. Exit status 69 means that nobody has \
            replied or that the broker cannot be reached, 64 that the command line is wrong.

              celeriac revoke 2f3b9c9e-2a6b-4f7e-9d0e-5a4c1e8b7d21 --terminate -b redis://localhost/0
              celeriac revoke --stamp customer=acme -b redis://localhost/0
              jq -r .id tasks.json | celeriac revoke - -b redis://localhost/0
            """))

    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The tasks' ids; - for those that standard input has, one a line.")
    var ids: [String] = []

    @Option(help: ArgumentHelp("Tasks that carry this stamp. May be repeated.", valueName: "name=value"))
    var stamp: [String] = []

    @Flag(help: "End the tasks if they run. Swift workers cancel their handlers.")
    var terminate = false

    @Option(name: .shortAndLong, help: "The signal by which a Python worker ends a task's process.")
    var signal = "SIGTERM"

    func validate() throws {
        guard ids.isEmpty != stamp.isEmpty else {
            throw ValidationError("Say which tasks: their ids, or --stamp name=value.")
        }
        _ = try Self.headers(stamp)
        try remote.requireBroker()
    }

    func run() async throws {
        var arguments: WireObject = [:]
        if stamp.isEmpty {
            let ids = Self.ids(ids) { CommandEnvironment.readInput() }
            guard !ids.isEmpty else { throw ValidationError("Standard input has no ids.") }
            arguments["task_id"] = .array(ids.map { .string($0) })
        } else {
            arguments["headers"] = .object(try Self.headers(stamp))
        }
        arguments["terminate"] = .bool(terminate)
        arguments["signal"] = .string(signal)
        let command = stamp.isEmpty ? "revoke" : "revoke_by_stamped_headers"
        remote.printer.show(try await remote.ask(command, arguments), of: .control)
    }

    /// The ids, with those of standard input in place of a dash.
    static func ids(_ words: [String], input: () -> [UInt8]) -> [String] {
        words.flatMap { word in
            if word != "-" { return [word] }
            return String(decoding: input(), as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        }
    }

    /// Stamps with all values that are named for each.
    ///
    /// - Throws: `ValidationError` for a stamp without a name or a value.
    static func headers(_ stamps: [String]) throws -> WireObject {
        var headers: WireObject = [:]
        for stamp in stamps {
            guard let sign = stamp.firstIndex(of: "="), sign != stamp.startIndex else {
                throw ValidationError("--stamp must be name=value, not '\(stamp)'.")
            }
            let value = WireValue.string(String(stamp[stamp.index(after: sign)...]))
            let name = String(stamp[..<sign])
            headers[name] = .array((headers[name]?.arrayValue ?? []) + [value])
        }
        return headers
    }
}
