import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation

/// The queues that are paused or resumed.
struct PausedQueues: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The queues' names, also with commas between them.")
    var names: [String]

    @Option(name: .shortAndLong, help: "How many seconds to wait for workers.")
    var timeout = 1.0

    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 0.1...3600 ~= timeout else { throw ValidationError("--timeout must be from 0.1 to 3600 seconds.") }
        guard !queues.isEmpty else { throw ValidationError("Name a queue.") }
        _ = try connection.brokerURL()
    }

    /// The queues.
    var queues: [String] { CommaList.parts(names) }

    /// Sends a command to workers, all by default.
    func ask(
        _ command: String, _ arguments: WireObject = [:], of nodes: [String]? = nil, at app: CeleryApp
    ) async throws -> [NodeReply] {
        try await app.control(destination: nodes, timeout: .seconds(timeout))
            .broadcast(command, arguments, reply: true).map { NodeReply($0) }
    }
}

/// `celeriac pause`: has no worker serve a queue.
struct PauseCommand: AsyncParsableCommand {
    /// How often workers are told that serve a queue nevertheless.
    private static let rounds = 3

    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Have no worker serve a queue until it is resumed.",
        discussion: ProgramContext.naming(
            """
            All workers that serve the queue are told to leave it (cancel_consumer); what they hold goes on. The broker \
            gets a note with their names: Swift workers and bridges that start later read it and leave the queue out, and \
            resume tells the same workers to serve it again. Python workers read no notes: one that starts later serves \
            the queue until pause is given again. The note is the field of a queue in the hash celeriac.paused in Redis, and the queue \
            <queue>.paused at RabbitMQ; a folder has no place for it.

            Exit status 0 means that no worker serves the queue any more, 1 that one does or has refused; 69 that the \
            broker cannot be reached, 64 that the command line is wrong.

              celeriac pause images mail -b redis://localhost/0
            """))

    @OptionGroup var paused: PausedQueues

    func run() async throws {
        let outcome = try await paused.connection.visit { app in
            var outcome = PauseOutcome()
            for queue in paused.queues { try await pause(queue, at: app, &outcome) }
            return outcome
        }
        outcome.show(paused.queues, verb: "paused", to: paused.printing.output)
        if !outcome.isComplete { throw ExitCode(1) }
    }

    private func pause(_ queue: String, at app: CeleryApp, _ outcome: inout PauseOutcome) async throws {
        let broker = app.client.broker.unwrapped as? any PausingBroker
        for round in 0...Self.rounds {
            let serving = PauseOutcome.nodes(
                serving: queue, in: try await paused.ask("active_queues", at: app))
            // The note comes first: who starts now reads it, or is found in the next round.
            if round == 0 { try await note(queue, serving, at: broker) }
            if serving.isEmpty { return outcome.pause(queue, keepsNote: broker != nil) }
            guard round < Self.rounds else { return outcome.leave(queue, servedBy: serving) }
            let replies = try await paused.ask("cancel_consumer", ["queue": .string(queue)], of: serving, at: app)
            outcome.add(replies, about: queue)
            // Who cannot leave it will not do so later.
            if replies.contains(where: { $0.value["error"] != nil }) { return }
        }
    }

    private func note(_ queue: String, _ serving: [String], at broker: (any PausingBroker)?) async throws {
        guard let broker else { return }
        let before = try await broker.pauses(of: [queue]).first
        let nodes = Set(serving).union(before?.nodes ?? []).sorted()
        try await broker.notePause(QueuePause(queue: queue, since: before?.since ?? Date(), nodes: nodes))
    }
}

/// `celeriac resume`: has workers serve a paused queue again.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Have workers serve a paused queue again.",
        discussion: ProgramContext.naming(
            """
            The note of pause is taken away, and the workers that it names are told to serve the queue (add_consumer), or \
            those of --destination. Swift workers that have left the queue out since they started take it up within some \
            seconds by themselves.

            Exit status 1 means that a queue was not paused and no worker is named or none of those that are has agreed, or \
            that a worker has refused; 69 that the broker cannot be reached, 64 that the command line is wrong.

              celeriac resume images -b redis://localhost/0
            """))

    @OptionGroup var paused: PausedQueues

    @Option(name: .shortAndLong, help: "The workers to tell, in place of those of the note. May be repeated.")
    var destination: [String] = []

    func run() async throws {
        let named = CommaList.parts(destination)
        let outcome = try await paused.connection.visit { app in
            var outcome = PauseOutcome()
            for queue in paused.queues { try await resume(queue, named, at: app, &outcome) }
            return outcome
        }
        outcome.show(paused.queues, verb: "resumed", to: paused.printing.output)
        if !outcome.isComplete { throw ExitCode(1) }
    }

    private func resume(
        _ queue: String, _ named: [String], at app: CeleryApp, _ outcome: inout PauseOutcome
    ) async throws {
        let broker = app.client.broker.unwrapped as? any PausingBroker
        let pause = try await broker?.pauses(of: [queue]).first
        let nodes = named.isEmpty ? pause?.nodes ?? [] : named
        if pause == nil, named.isEmpty {
            outcome.isComplete = false
            outcome.notes.append("\(queue) is not paused: name the workers that shall serve it with --destination.")
            return
        }
        _ = try await broker?.endPause(of: queue)
        let replies = try await paused.ask("add_consumer", ["queue": .string(queue)], of: nodes, at: app)
        outcome.add(replies, about: queue)
        outcome.resume(queue, servedBy: replies, hadNote: pause != nil)
        let silent = Set(nodes).subtracting(replies.map(\.node)).sorted()
        if !silent.isEmpty {
            outcome.notes.append("\(silent.joined(separator: ", ")) did not answer about \(queue).")
        }
    }
}
