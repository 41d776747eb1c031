import ArgumentParser
import Celeriac
import CeleriacCore

/// `celeriac parked`: looks after messages that workers could not run.
struct ParkedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked",
        abstract: "List, show, put back or drop messages that workers have parked.",
        discussion: ProgramContext.naming(
            """
            A worker parks what it cannot run in <queue>.parked, with the reason. Exit status 1 means that some \
            messages were not put back or dropped, or that no parked message has an id that --id names; 2 that the \
            broker could not be asked, 64 that the command line is wrong.

              celeriac parked list -b redis://localhost/0
              celeriac parked requeue --task tasks.add --reason tooManyAttempts --dry-run -b redis://localhost/0
            """),
        subcommands: [List.self, Show.self, Requeue.self, Drop.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List parked messages, a line each.")

        @OptionGroup var place: ParkedPlace
        @OptionGroup var filter: ParkedFilter

        func run() async throws {
            try await place.visit(filter, whole: false) { found, _ in
                ParkedPrinter(output: place.printing.output)
                    .list(found, of: try place.queueName(), isFiltered: !filter.admitsAll)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show parked messages whole: the reason, the detail, and the message as it came.")

        @OptionGroup var place: ParkedPlace
        @OptionGroup var filter: ParkedFilter

        @Argument(help: "Only these messages, as with --id.")
        var ids: [String] = []

        func run() async throws {
            var wanted = filter
            wanted.id += ids
            let isFiltered = !wanted.admitsAll
            try await place.visit(wanted, whole: true) { found, _ in
                ParkedPrinter(output: place.printing.output)
                    .show(found, of: try place.queueName(), isFiltered: isFiltered)
            }
        }
    }

    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put parked messages back into their queue, as they came.",
            discussion: """
                Callers of these tasks may have been told that they failed; their states change if the tasks now run.
                """)

        @OptionGroup var place: ParkedPlace
        @OptionGroup var filter: ParkedFilter
        @OptionGroup var change: ParkedChange

        func validate() throws { try change.validate(filter) }

        func run() async throws {
            try await place.change(filter, change, verb: "put back", tellsOfFailures: true) { sender, ids, queue in
                try await sender.requeueParked(ids, in: queue)
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete parked messages, for good.")

        @OptionGroup var place: ParkedPlace
        @OptionGroup var filter: ParkedFilter
        @OptionGroup var change: ParkedChange

        func validate() throws { try change.validate(filter) }

        func run() async throws {
            try await place.change(filter, change, verb: "dropped") { sender, ids, queue in
                try await sender.dropParked(ids, in: queue)
            }
        }
    }
}
