import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import UnixSignals

/// `celeriac migrate`: moves what waits in queues to another broker.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move the messages that wait in queues to another broker, while producers go on.",
        discussion: ProgramContext.naming(
            """
            From Redis, RabbitMQ or a folder to any of these, in one dialect; --broker is the source, --to the target. A \
            message is removed at the source only when the target has confirmed it. Its time, its priority's number and \
            its bytes stay; order within a priority of a queue stays, except in a folder, which orders by milliseconds. \
            What cannot be moved stays where it is and is counted with the reason.

            A run that was killed goes on with the same command: its journal says what the target has. At most one batch \
            (--batch) is sent twice, if the kill comes between the target's answer and its note. To go back, exchange the \
            brokers. What workers hold, what is parked, and results stay.

            Exit status 0 means that everything was moved, 1 that something stays or that it was ended early; 69 that a \
            broker cannot be reached, 64 that the command line is wrong.

              celeriac migrate -b redis://localhost/0 --to amqp://localhost -Q images,mail --dry-run
              celeriac migrate -b redis://localhost/0 --to amqp://localhost --follow
            """))

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("The URL of the broker to which messages are moved.", valueName: "url"))
    var to: String

    @Option(
        help: ArgumentHelp("A YAML file of settings for that broker, in place of --config.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var toConfig: String?

    @Option(help: "The dialect of the messages: celery or machinery.")
    var dialect = DialectName.celery

    @OptionGroup var machinery: MachineryOptions
    @OptionGroup var choice: QueueChoice

    @Option(help: "How many messages are on their way at most.")
    var batch = 100

    @Option(help: "Move this many messages at most.")
    var limit: Int?

    @Option(help: "Move this many messages each second at most.")
    var rate: Double?

    @Option(help: "For how many seconds nothing has to come for the queues to count as empty.")
    var quiet = 1.0

    @Flag(
        help: "Go on when everything is moved, with what producers still send to the source, until Ctrl-C or SIGTERM.")
    var follow = false

    @Option(
        help: ArgumentHelp(
            "The file that says what the target has. Default: one in this folder, named after the brokers.",
            valueName: "file"), completion: .file())
    var journal: String?

    @Flag(help: "Only say how many messages it would be.")
    var dryRun = false

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 1...1000 ~= batch else { throw ValidationError("--batch must be from 1 to 1000.") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more.") }
        if let rate, !(rate > 0 && rate <= 1e6) {
            throw ValidationError("--rate must be a number above 0, up to 1000000.")
        }
        guard 0.1...3600 ~= quiet else { throw ValidationError("--quiet must be from 0.1 to 3600 seconds.") }
        let broker = try connection.brokerURL(or: dialect.brokerVariable)
        if broker == to { throw ValidationError("--to is the broker itself.") }
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        let stopping = Gate()
        let listening = Task {
            for await _ in signals { stopping.open() }
        }
        defer { listening.cancel() }
        let queues = try choice.names(
            else: dialect == .celery ? connection.knownQueues() : [machinery.queueName])
        let report = try await visit { source, target in
            try await move(queues, from: source, to: target, until: stopping)
        }
        printing.output.show(report.object) { report.lines }
        if !report.isComplete { throw ExitCode(1) }
    }

    /// Runs `body` with the clients of both brokers.
    private func visit<Value>(_ body: (TaskClient, TaskClient) async throws -> Value) async throws -> Value {
        var other = connection
        other.settings.broker = to
        if let toConfig { other.settings.config = toConfig }
        switch dialect {
        case .celery:
            return try await connection.visit { source in
                try await other.visit { target in try await body(source.client, target.client) }
            }
        case .machinery:
            do {
                let source = try machinery.makeServer(connection)
                let target = try machinery.makeServer(other)
                return try await closing(source.close) {
                    try await closing(target.close) { try await body(source.client, target.client) }
                }
            } catch let error as CeleriacError {
                CommandEnvironment.say("Error: \(FailureText.of(error))")
                throw error.code == .configuration ? ExitCode.validationFailure : ExitCode.unavailable
            }
        }
    }

    private func move(
        _ queues: [String], from source: TaskClient, to target: TaskClient, until stopping: Gate
    ) async throws -> MigrationReport {
        guard source.broker.name != target.broker.name else {
            throw ValidationError("--to is the broker itself.")
        }
        let now = source.timers.now
        var report = MigrationReport(queues: queues, isDryRun: dryRun)
        report.sourceBefore = try await source.broker.migrationCensus(of: queues, now: now)
        report.targetBefore = try await target.broker.migrationCensus(of: queues, now: now)
        report.gaps = gaps(of: source.broker)
        if dryRun {
            (report.sourceAfter, report.targetAfter) = (report.sourceBefore, report.targetBefore)
            return report
        }
        var options = Migration.Options(queues: queues)
        options.batch = batch
        options.limit = limit
        options.rate = rate
        options.quiet = .seconds(quiet)
        options.follows = follow
        let path = self.journal ?? Self.journal(from: source.broker.name, to: target.broker.name)
        let record = try MigrationJournal(path, from: source.broker.name, to: target.broker.name)
        var migration = Migration(from: source, to: target, options, journal: record, stopping: stopping)
        var line = ProgressLine()
        let found = report.sourceBefore.waitingCount + (report.sourceBefore.delayed ?? 0)
        let start = ContinuousClock.now
        migration.onProgress = { tally in
            let seconds = (ContinuousClock.now - start).seconds
            line.show(tally.line(of: found, rate: seconds > 0 ? Double(tally.movedCount) / seconds : 0))
        }
        do {
            try await migration.run()
            line.clear()
            // Whoever does not answer now may not have answered before.
            let end = source.timers.now
            report.sourceAfter = try await source.broker.migrationCensus(of: queues, now: end)
            report.targetAfter = try await target.broker.migrationCensus(of: queues, now: end)
        } catch {
            line.clear()
            record.close(isComplete: false)
            let moved = migration.tally.movedCount.counting("message was", "messages were")
            CommandEnvironment.say("\(moved) moved. The same command goes on; its journal is \(path).")
            throw error
        }
        record.close(isComplete: true)
        report.tally = migration.tally
        if stopping.isOpen {
            // With --follow, that is the end that was asked for.
            report.isCutShort = !follow
        } else {
            report.isCutShort = migration.isOver && report.sourceAfter.waitingCount > 0
        }
        return report
    }

    /// What cannot be moved from a broker, a sentence each.
    private func gaps(of broker: any MessageBroker) -> [String] {
        #if AMQP
        if dialect == .machinery, !(broker.unwrapped is any DelayedMessageKeeper) {
            return [
                """
                Machinery's delay queues at RabbitMQ are not looked at: what waits there comes into its queue when its time \
                has come, and --follow moves it then.
                """
            ]
        }
        #endif
        return []
    }

    /// The name of the journal of a migration, the same for each of its runs.
    static func journal(from source: String, to target: String) -> String {
        let digest = SHA1.hexadecimal(Array("\(source)\n\(target)".utf8))
        return "celeriac-migrate-\(digest.prefix(12)).journal"
    }
}

extension MessageBroker {
    /// Counts what a migration tells of a broker, without a look at messages.
    func migrationCensus(of queues: [String], now: Date) async throws -> MigrationCensus {
        var census = MigrationCensus()
        if let broker = unwrapped as? any CensusBroker {
            let counted = try await broker.census(of: queues, now: now)
            for queue in counted.queues { census.waiting[queue.name] = queue.waiting }
            let held = counted.queues.compactMap(\.held)
            census.held = held.isEmpty ? nil : held.reduce(0, +)
            census.delayed = counted.delayed
            return census
        }
        for queue in queues { census.waiting[queue] = try await depth(of: queue) }
        if let keeper = unwrapped as? any DelayedMessageKeeper {
            census.delayed = try await keeper.delayedCount()
        }
        return census
    }
}
