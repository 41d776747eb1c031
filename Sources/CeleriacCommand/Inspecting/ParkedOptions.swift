import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import Foundation

/// Whose parked messages are meant.
struct ParkedPlace: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Option(name: [.customShort("Q"), .long], help: "The queue. Default: celery, or Machinery's default queue.")
    var queue: String?

    @Option(help: "The dialect of the queue's workers: celery or machinery.")
    var dialect = DialectName.celery

    @OptionGroup var machinery: MachineryOptions

    @OptionGroup var printing: OutputOptions

    func validate() throws { _ = try connection.brokerURL(or: dialect.brokerVariable) }

    /// The queue that the messages were taken from.
    func queueName() throws -> String {
        try queue?.nonEmpty ?? (dialect == .machinery ? machinery.queueName : connection.defaultQueue())
    }

    /// Runs `body` with the messages that pass a filter. Unless they are to be whole, the messages come without their
    /// bytes, since there may be many.
    ///
    /// - Throws: `ExitCode` for the process: 2 after a failure, 1 if the filter names an id that no parked message has, 64
    ///   for settings that cannot be followed; `ValidationError`.
    func visit(
        _ filter: ParkedFilter, whole: Bool, _ body: (ParkedSelection, any TaskSender) async throws -> Void
    ) async throws {
        do {
            switch dialect {
            case .celery:
                let app = try following {
                    try connection.makeApp(keepsResults: false, patience: ConnectionOptions.patience)
                }
                try await closing(app.close) { try await visit(filter, at: app, whole: whole, body) }
            case .machinery:
                let server = try following { try machinery.makeServer(connection) }
                try await closing(server.close) { try await visit(filter, at: server, whole: whole, body) }
            }
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode(2)
        }
    }

    /// Changes the messages that pass a filter, or says which it would be, and prints what became of them.
    ///
    /// - Parameters:
    ///   - filter: which messages are meant.
    ///   - change: whether to change anything.
    ///   - verb: what is done to them, in the past.
    ///   - tellsOfFailures: whether it matters that callers were told of failures.
    ///   - body: changes messages by their ids in a queue, and returns how many it were.
    /// - Throws: `ExitCode` as ``visit(_:whole:_:)``; 1 also if messages were left.
    func change(
        _ filter: ParkedFilter, _ change: ParkedChange, verb: String, tellsOfFailures: Bool = false,
        by body: (any TaskSender, [String], String) async throws -> Int
    ) async throws {
        try await visit(filter, whole: false) { found, sender in
            let printer = ParkedPrinter(output: printing.output)
            if change.dryRun {
                return printer.changed(
                    ParkedOutcome(found), verb: "would be \(verb)", isDryRun: true, tellsOfFailures: tellsOfFailures)
            }
            let queue = try queueName()
            let outcome = try await ParkedOutcome(found, in: queue, at: sender) { ids in
                try await body(sender, ids, queue)
            }
            printer.changed(outcome, verb: verb, isDryRun: false, tellsOfFailures: tellsOfFailures)
            try outcome.end()
        }
    }

    private func visit(
        _ filter: ParkedFilter, at sender: any TaskSender, whole: Bool,
        _ body: (ParkedSelection, any TaskSender) async throws -> Void
    ) async throws {
        var found = ParkedSelection(unknownIDs: filter.id)
        let now = Date()
        try await sender.eachParkedPage(in: queueName()) { found.add($0, filter, now: now, whole: whole) }
        for id in found.unknownIDs { CommandEnvironment.say("Error: no parked message has the id \(id.printable)") }
        if let reason = filter.reason, !found.hasReason, let doubt = ParkedReasons.doubt(about: reason) {
            CommandEnvironment.say(doubt)
        }
        try await body(found, sender)
        if !found.unknownIDs.isEmpty { throw ExitCode(1) }
    }
}

/// The parked messages that are meant.
struct ParkedSelection {
    /// The messages.
    private(set) var messages: [ParkedMessage] = []
    /// The ids that were asked for and that no message of the queue has, whatever else was asked for.
    private(set) var unknownIDs: [String]
    /// Whether any message of the queue was parked for the reason that was asked for, whatever else was asked for.
    private(set) var hasReason = false

    init(unknownIDs: [String]) { self.unknownIDs = unknownIDs }

    /// Adds those messages of a page that a filter admits.
    mutating func add(_ page: [ParkedMessage], _ filter: ParkedFilter, now: Date, whole: Bool) {
        let admitted = page.filter { filter.admits($0, now: now) }
        messages += whole ? admitted : admitted.map(\.withoutContent)
        hasReason = hasReason || page.contains { $0.reason == filter.reason }
        unknownIDs.removeAll { id in page.contains { $0.id == id || $0.taskID == id } }
    }
}

/// Which parked messages are meant: those that all given options admit.
struct ParkedFilter: ParsableArguments {
    @Option(name: .long, help: "Only this message, by its own id or its task's. May be repeated.")
    var id: [String] = []

    @Option(help: "Only messages of this task.")
    var task: String?

    @Option(help: "Only messages that were parked for this reason, for example tooManyAttempts.")
    var reason: String?

    @Option(help: "Only messages that were parked at least this many seconds ago.")
    var olderThan: Double?

    /// Whether every message passes.
    var admitsAll: Bool { id.isEmpty && task == nil && reason == nil && olderThan == nil }

    func validate() throws {
        if let olderThan, !(olderThan >= 0) {
            throw ValidationError("--older-than must be a number of seconds from 0.")
        }
    }

    func admits(_ message: ParkedMessage, now: Date) -> Bool {
        if !id.isEmpty, !id.contains(message.id), !(message.taskID.map(id.contains) ?? false) { return false }
        if let task, message.task != task { return false }
        if let reason, message.reason != reason { return false }
        guard let olderThan else { return true }
        return message.time.map { now.timeIntervalSince($0) >= olderThan } ?? false
    }
}

/// How messages are changed.
struct ParkedChange: ParsableArguments {
    @Flag(help: "All parked messages of the queue.")
    var all = false

    @Flag(help: "Only say which messages it would be.")
    var dryRun = false

    func validate(_ filter: ParkedFilter) throws {
        if filter.admitsAll, !all {
            throw ValidationError("Say which messages: --id, --task, --reason, --older-than, or --all.")
        }
        if all, !filter.admitsAll { throw ValidationError("--all goes with no other choice of messages.") }
    }
}
