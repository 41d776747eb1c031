import ArgumentParser

/// `celeriac status`: lists the workers that are there.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "List the workers that are online, as celery status does.",
        discussion: """
            Exit status 69 means that nobody has replied or that the broker cannot be reached, 64 that the command line \
            is wrong.
            """)

    @OptionGroup var remote: RemoteOptions

    func validate() throws { try remote.requireBroker() }

    func run() async throws {
        remote.printer.show(try await remote.ask("ping"), of: .inspect, showsBody: false)
    }
}
