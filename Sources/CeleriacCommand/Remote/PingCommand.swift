import ArgumentParser
import Celeriac
import CeleriacCore
import CeleryDialect

/// `celeriac ping`: asks workers for an answer. It is what `inspect ping` does, under the name that a health check wants.
struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Ask workers for an answer: inspect ping.",
        discussion: ProgramContext.naming(
            """
            With --destination it returns as soon as those workers have answered. Exit status 69 means that nobody has \
            replied or that the broker cannot be reached, with --ready also that a worker takes no tasks, or that one of \
            --destination has not replied; 64 that the command line is wrong.

              celeriac ping -d celery@$(hostname) --timeout 5 -b redis://localhost/0
              celeriac ping --ready -d celery@$(hostname) --timeout 5 -b redis://localhost/0
            """))

    @Flag(help: "Ask whether they take tasks; a worker in Python does if it answers.")
    var ready = false

    @OptionGroup var remote: RemoteOptions

    func validate() throws { try remote.requireBroker() }

    func run() async throws {
        guard ready else {
            remote.printer.show(try await remote.ask("ping"), of: .inspect)
            return
        }
        let replies = try await remote.connection.visit { app in
            try await remote.control(of: app).readiness()
        }
        let probe = ReadinessProbe(replies, asked: remote.nodes)
        remote.printing.output.show(probe.object) { probe.lines }
        if !probe.isReady { throw ExitCode(probe.status) }
    }
}
