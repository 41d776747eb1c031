import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation

/// `celeriac queues`: counts what queues have.
struct QueuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues",
        abstract: "Count the messages of queues: waiting, held by workers, waiting for their time, parked.",
        discussion: ProgramContext.naming(
            """
            The queues are those of the settings, those that workers serve, and in Redis and in a folder those that are \
            bound to an exchange. WAITING is what nobody has taken; HELD what workers have and not acknowledged, of which \
            SCHEDULED waits for its time; OLDEST the age of the message that waits for longest, where somebody has noted \
            it: Celery's clients do not. A dash stands for what nobody knows. RabbitMQ tells what is held only to its \
            management API (--management); without that it is what workers say, who do not answer while they are busy \
            (solo) or without remote control. Nothing is changed by counting.

            Exit status 69 means that the broker cannot be reached, 64 that the command line is wrong.

              celeriac queues -b redis://localhost/0
              celeriac queues -Q images,mail --json -b amqp://localhost
            """))

    /// What is not counted at RabbitMQ, which lists its queues to nobody who asks by AMQP.
    private static let unnamedQueues =
        "queues that no worker serves and the settings do not name, which RabbitMQ does not list: name them with -Q"

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var choice: QueueChoice

    @Option(name: .shortAndLong, help: "How many seconds to wait for what workers say; 0 not to ask them.")
    var timeout = 1.0

    @OptionGroup var management: ManagementOptions
    @OptionGroup var printing: OutputOptions

    func validate() throws {
        guard 0...3600 ~= timeout else { throw ValidationError("--timeout must be from 0 to 3600 seconds.") }
        _ = try connection.brokerURL()
    }

    func run() async throws {
        let (board, census, pauses) = try await connection.visit { app in
            guard let broker = app.client.broker.unwrapped as? any CensusBroker else {
                throw CeleriacError(.unsupported, "this transport cannot count the messages of queues")
            }
            let board = try await ask(app)
            let names = try choice.names(else: try await knownQueues(broker, board))
            let pauses = try await (broker as? any PausingBroker)?.pauses(of: names) ?? []
            var census = try await management.census(at: broker, of: names)
            if !choice.namesQueues, management.isRabbitMQ(broker) { census.gaps.append(Self.unnamedQueues) }
            return (board, census, pauses)
        }
        QueuePrinter(output: printing.output).show(census, board, pauses)
    }

    /// What workers say. There may be no remote control; the broker's counts do without.
    private func ask(_ app: CeleryApp) async throws -> QueueBoard {
        var board = QueueBoard()
        if timeout == 0 { return board }
        let control = app.control(timeout: .seconds(timeout))
        func replies(_ control: CeleryControl, _ command: String) async throws -> [NodeReply] {
            try await control.broadcast(command, reply: true).map { NodeReply($0) }
        }
        do {
            board.note(queues: try await replies(control, "active_queues"))
            guard !board.nodes.isEmpty else { return board }
            // These are there, so that nobody has to be waited for.
            let present = app.control(destination: board.nodes.sorted(), timeout: .seconds(timeout))
            board.note(tasks: try await replies(present, "active"), areScheduled: false)
            board.note(tasks: try await replies(present, "reserved"), areScheduled: false)
            board.note(tasks: try await replies(present, "scheduled"), areScheduled: true)
            board.note(outcomes: try await replies(present, "stats"))
        } catch let error as CeleriacError where error.code == .unsupported {
            return board
        }
        return board
    }

    private func knownQueues(_ broker: any CensusBroker, _ board: QueueBoard) async throws -> [String] {
        var names = Set(try connection.knownQueues())
        names.formUnion(board.served.keys)
        // At RabbitMQ there are queues of others, and nobody has to have its management API.
        if management.isRabbitMQ(broker) { return names.sorted() }
        do {
            names.formUnion(try await broker.bindings().map(\.queue))
        } catch let error as CeleriacError where error.code == .unsupported {
            // The others are known without the broker.
        }
        return names.sorted()
    }
}

/// Prints what queues have.
struct QueuePrinter {
    let output: CommandOutput

    /// Prints a row for each queue.
    func show(_ census: BrokerCensus, _ board: QueueBoard, _ pauses: [QueuePause]) {
        let queues = census.queues.map(board.completing)
        output.show(object(of: queues, census, board, Set(pauses.map(\.queue)))) {
            TextTable(
                ["QUEUE", "WAITING", "HELD", "SCHEDULED", "PARKED", "OLDEST", "WORKERS"],
                queues.map { queue in
                    [
                        queue.name, "\(queue.waiting)", Self.text(queue.held), Self.text(queue.scheduled),
                        Self.text(queue.parked), queue.oldestAge.map { Self.text(age: $0) },
                        Self.text(workers(of: queue, board)),
                    ]
                }, empty: "There are no queues."
            ).lines + notes(census, pauses)
        }
    }

    private func notes(_ census: BrokerCensus, _ pauses: [QueuePause]) -> [String] {
        var notes = pauses.map { pause in
            "Paused: \(pause.queue.printable)" + (pause.since.map { ", since \($0.ISO8601Format())" } ?? "")
        }
        if let delayed = census.delayed, delayed > 0 {
            notes.append("The broker keeps \(delayed.counting("message until its time", "messages until their time")).")
        }
        return notes + census.gaps.map { "Not counted: \($0)." }
    }

    /// How many workers serve a queue, or else how many consumers the broker has.
    private func workers(of queue: QueueCensus, _ board: QueueBoard) -> Int? {
        board.nodes.isEmpty ? queue.consumers : board.served[queue.name]?.nodes.count ?? 0
    }

    private func object(
        of queues: [QueueCensus], _ census: BrokerCensus, _ board: QueueBoard, _ paused: Set<String>
    ) -> WireObject {
        let rows = queues.map { queue -> WireValue in
            [
                "name": .string(queue.name), "waiting": .int(Int64(queue.waiting)), "held": Self.value(queue.held),
                "scheduled": Self.value(queue.scheduled), "parked": Self.value(queue.parked),
                "oldest_age": queue.oldestAge.map { .double($0) } ?? .null, "consumers": Self.value(queue.consumers),
                "workers": .array((board.served[queue.name]?.nodes.sorted() ?? []).map { .string($0) }),
                "paused": .bool(paused.contains(queue.name)),
            ]
        }
        return [
            "queues": .array(rows), "delayed": Self.value(census.delayed),
            "gaps": .array(census.gaps.map { .string($0) }),
        ]
    }

    private static func text(_ count: Int?) -> String? { count.map { "\($0)" } }

    private static func value(_ count: Int?) -> WireValue { count.map { .int(Int64($0)) } ?? .null }

    /// An age in the largest unit that it has one of.
    static func text(age: Double) -> String {
        for (unit, seconds) in [("d", 86_400.0), ("h", 3600), ("min", 60)] where age >= seconds {
            return "\(Int(min(age / seconds, 1e6))) \(unit)"
        }
        return "\(Int(max(0, age))) s"
    }
}
