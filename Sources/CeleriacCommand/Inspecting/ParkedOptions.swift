import ArgumentParser
import Celeriac
import CeleriacCore
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
        try queue ?? (dialect == .machinery ? machinery.queueName : connection.defaultQueue())
    }

    /// Runs `body` with the messages that pass a filter, and ends the process with status 2 after a failure. Unless they
    /// are to be whole, the messages come without their bytes, since there may be many.
    func visit(
        _ filter: ParkedFilter, whole: Bool, _ body: ([ParkedMessage], any TaskSender) async throws -> Void
    ) async throws {
        do {
            switch dialect {
            case .celery:
                let app = try connection.makeApp(keepsResults: false)
                try await closing(app.close) { try await body(try await messages(filter, app, whole: whole), app) }
            case .machinery:
                let server = try machinery.makeServer(connection)
                try await closing(server.close) {
                    try await body(try await messages(filter, server, whole: whole), server)
                }
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode(2)
        }
    }

    private func messages(
        _ filter: ParkedFilter, _ sender: any TaskSender, whole: Bool
    ) async throws -> [ParkedMessage] {
        var found: [ParkedMessage] = []
        let now = Date()
        try await sender.eachParkedPage(in: queueName()) { page in
            let admitted = page.filter { filter.admits($0, now: now) }
            found += whole ? admitted : admitted.map(\.withoutContent)
        }
        return found
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
