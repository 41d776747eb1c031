import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import Foundation

/// The verb `claims`: gives back what a killed worker held of a Machinery queue in Redis.
struct ClaimsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claims",
        abstract: "List or give back what killed workers held of Machinery's queues in Redis.",
        discussion: """
            Swift workers keep what they hold in <queue>.celeriac.claims. After the last of them was killed it waits \
            there for the next; Go workers do not look there. Only claims are given back whose workers have not renewed \
            them for the claim timeout, and so have ended. Celery's workers do that themselves. Exit status 2 means that \
            the broker could not be asked, 64 that the command line is wrong.

              celeriac claims list -b redis://localhost/0
              celeriac claims requeue --dry-run -b redis://localhost/0
            """,
        subcommands: [List.self, Requeue.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what workers hold of a queue, a line each.")

        @OptionGroup var place: ClaimsPlace

        func run() async throws {
            try await place.visit { server in
                ClaimsPrinter(output: place.printing.output).list(
                    try await server.claims(in: place.queueName), of: place.queueName)
            }
        }
    }

    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put back into a queue what workers held that have ended.",
            discussion: "The messages go to the front. Tasks that had begun begin again.")

        @OptionGroup var place: ClaimsPlace

        @Flag(help: "Only say which messages it would be.")
        var dryRun = false

        func run() async throws {
            try await place.visit { server in
                let expired = try await server.claims(in: place.queueName).filter(\.isExpired)
                let count = dryRun ? expired.count : try await server.giveBackExpiredClaims(in: place.queueName)
                ClaimsPrinter(output: place.printing.output).gaveBack(expired, count: count, isDryRun: dryRun)
            }
        }
    }
}

/// Whose claims are meant.
struct ClaimsPlace: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Option(name: [.customShort("Q"), .long], help: "The queue. Default: Machinery's default queue.")
    var queue: String?

    @Option(help: "The dialect of the queue's workers: only machinery has claims to give back.")
    var dialect = DialectName.machinery

    @OptionGroup var machinery: MachineryOptions

    @Option(help: "How many seconds a claim lasts that is not renewed: claimTimeout of the queue's workers.")
    var claimTimeout = 60.0

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        if dialect != .machinery {
            throw ValidationError(
                "Celery's claims need no command: any worker of the database, also a Python one, puts them back after the visibility timeout."
            )
        }
        if !(claimTimeout > 0) { throw ValidationError("--claim-timeout must be a number of seconds above 0.") }
        _ = try connection.brokerURL(or: dialect.brokerVariable)
    }

    /// The queue that the messages were taken from.
    var queueName: String { queue?.nonEmpty ?? machinery.queueName }

    /// Runs `body` with the application, and ends the process with status 2 after a failure, and with 64 for settings that
    /// cannot be followed.
    func visit(_ body: (MachineryServer) async throws -> Void) async throws {
        let server = try following { try machinery.makeServer(connection, claimTimeout: claimTimeout) }
        do {
            try await closing(server.close) { try await body(server) }
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode(2)
        }
    }
}

/// Prints claims.
private struct ClaimsPrinter {
    let output: CommandOutput

    func list(_ claims: [ClaimedMessage], of queue: String) {
        output.show(["queue": .string(queue), "claims": .array(claims.map { .object(object($0)) })]) {
            TextTable(
                ["CLAIM", "TASK", "TASK ID", "RENEWED AT", "STATE"],
                claims.map { claim in
                    [
                        claim.id, claim.task, claim.taskID, claim.renewed.ISO8601Format(),
                        claim.isExpired ? "expired" : "held",
                    ]
                }, empty: "No worker holds anything of \(queue)."
            ).lines
        }
    }

    func gaveBack(_ claims: [ClaimedMessage], count: Int, isDryRun: Bool) {
        let verb = isDryRun ? "would be put back" : "put back"
        let object: WireObject = [
            "count": .int(Int64(count)), "done": .string(verb), "dry_run": .bool(isDryRun),
            "claims": .array(claims.map { .object(self.object($0)) }),
        ]
        output.show(object) {
            claims.map { [$0.id, $0.task, $0.taskID].compactMap { $0?.printable }.joined(separator: "  ") }
                + ["\(count.counting("message")) \(verb)"]
        }
    }

    private func object(_ claim: ClaimedMessage) -> WireObject {
        [
            "id": .string(claim.id), "task": claim.task.map { .string($0) } ?? .null,
            "task_id": claim.taskID.map { .string($0) } ?? .null, "renewed": .string(claim.renewed.ISO8601Format()),
            "expired": .bool(claim.isExpired),
        ]
    }
}
