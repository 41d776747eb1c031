import ArgumentParser

/// `celeriac control`: changes how workers work.
struct ControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Change how workers work, as celery control does.",
        discussion: ProgramContext.naming(
            """
            Prints what each worker replies. A worker that cannot do what it is told says ERROR and why; as with Celery \
            the exit status is 0 then. Exit status 69 means that nobody has replied, which does not say that nobody has \
            done it, or that the broker cannot be reached; 64 that the command line is wrong. A worker in Python ends at \
            shutdown without an answer, so that this is 69 for it.

              celeriac control rate_limit tasks.add 10/m -b redis://localhost/0
              celeriac control add_consumer images -d celery@web1,celery@web2 -b redis://localhost/0
            """))

    @OptionGroup var remote: RemoteOptions
    @OptionGroup var line: RemoteLine

    func validate() throws {
        if try line.request(.control) != nil { try remote.requireBroker() }
    }

    func run() async throws {
        guard let request = try line.request(.control) else {
            return line.show(.control, to: remote.printing.output)
        }
        remote.printer.show(try await remote.ask(request.command, request.arguments), of: .control)
    }
}
