import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire

/// `celeriac purge`: deletes what waits in queues.
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Delete all messages that wait in queues, as celery purge does.",
        discussion: ProgramContext.naming(
            """
            Asks before it deletes anything, unless --force is given. What workers hold, what is parked, and what RabbitMQ \
            keeps until its time stays. Exit status 1 means that the answer was no, 69 that the broker cannot be reached, \
            64 that the command line is wrong.

              celeriac purge --queues images,mail --dry-run -b redis://localhost/0
            """))

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var choice: QueueChoice

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var force = false

    @Flag(help: "Only say how many messages it would be.")
    var dryRun = false

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        _ = try connection.brokerURL()
        _ = try choice.names(else: connection.knownQueues())
    }

    func run() async throws {
        let names = try choice.names(else: connection.knownQueues())
        guard force || dryRun || Self.isConfirmed(names) else {
            CommandEnvironment.say("Aborted!")
            throw ExitCode(1)
        }
        let counts = try await connection.visit { app in
            var counts: [Int] = []
            var line = ProgressLine()
            defer { line.clear() }
            for name in names {
                line.show(dryRun ? "counting \(name)" : "purging \(name)")
                let broker = app.client.broker
                counts.append(try await dryRun ? broker.depth(of: name) : broker.purge(name))
            }
            return counts
        }
        let total = counts.reduce(0, +)
        let queues = zip(names, counts).map { name, count -> WireValue in
            ["name": .string(name), "count": .int(Int64(count))]
        }
        printing.output.show([
            "count": .int(Int64(total)), "dry_run": .bool(dryRun), "queues": .array(queues),
        ]) { [Self.line(total, queueCount: names.count, isDryRun: dryRun)] }
    }

    /// What was done, in Celery's words.
    static func line(_ count: Int, queueCount: Int, isDryRun: Bool) -> String {
        let (messages, queues) = (count.counting("message"), queueCount.counting("queue"))
        if isDryRun { return "\(messages) would be purged from \(queues)." }
        return count == 0
            ? "No messages purged from \(queues)."
            : "Purged \(messages) from \(queueCount.counting("known task queue"))."
    }

    /// Asks whether the messages shall go.
    private static func isConfirmed(_ names: [String]) -> Bool {
        CommandEnvironment.say(
            """
            WARNING: This deletes every message that waits in \(names.sorted().map(\.printable).joined(separator: ", ")).
            Nothing brings them back. (--force does not ask, --dry-run counts them.)
            Delete them? [y/N]:
            """)
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
