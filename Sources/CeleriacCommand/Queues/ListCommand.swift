import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect

/// `celeriac list`: tells what a broker has.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what the broker has.", subcommands: [Bindings.self])

    struct Bindings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bindings",
            abstract: "List how queues are bound to exchanges, as celery list bindings does.",
            discussion: """
                It lists all bindings that the broker has, in Redis and in a folder those of queues of tasks, where \
                Celery lists those of the exchanges that its application has declared. RabbitMQ tells them only to its \
                management API, by default asked at the usual port. Exit status 69 means that the broker or the API cannot \
                be reached, 64 that the command line is wrong.
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var management: ManagementOptions
        @OptionGroup var printing: OutputOptions

        func validate() throws { _ = try connection.brokerURL() }

        func run() async throws {
            let bindings = try await connection.visit { app in
                guard let broker = app.client.broker.unwrapped as? any CensusBroker else {
                    throw CeleriacError(.unsupported, "this transport cannot list bindings")
                }
                return try await management.bindings(at: broker)
            }
            let rows = bindings.map { binding -> WireValue in
                [
                    "queue": .string(binding.queue), "exchange": .string(binding.exchange),
                    "routing_key": .string(binding.routingKey),
                ]
            }
            printing.output.show(["bindings": .array(rows)]) { Self.lines(of: bindings) }
        }

        /// Rows in the layout of Celery's.
        static func lines(of bindings: [BrokerBinding]) -> [String] {
            let rule = String(repeating: "-", count: 16)
            let rows =
                [["Queue", "Exchange", "Routing Key"], [rule, rule, rule]]
                + bindings.map { [$0.queue, $0.exchange, $0.routingKey] }
            return rows.map { row in
                row.dropLast().map { $0.printable.padded(to: 28) + " " }.joined() + (row.last ?? "").printable
            }
        }
    }
}
