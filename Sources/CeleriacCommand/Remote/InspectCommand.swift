import ArgumentParser

/// `celeriac inspect`: asks workers what they are and do.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Ask workers what they are and do, as celery inspect does.",
        discussion: ProgramContext.naming(
            """
            Prints what each worker replies, in Python or Swift. Nobody knows how many workers there are, so all of \
            --timeout is waited for replies, unless --destination names the workers. Exit status 69 means that nobody has \
            replied or that the broker cannot be reached, 64 that the command line is wrong.

              celeriac inspect active -b redis://localhost/0
              celeriac inspect registered rate_limit -d celery@web1 --json -b amqp://localhost
            """))

    @OptionGroup var remote: RemoteOptions
    @OptionGroup var line: RemoteLine

    func validate() throws {
        if try line.request(.inspect) != nil { try remote.requireBroker() }
    }

    func run() async throws {
        guard let request = try line.request(.inspect) else {
            return line.show(.inspect, to: remote.printing.output)
        }
        remote.printer.show(try await remote.ask(request.command, request.arguments), of: .inspect)
    }
}
