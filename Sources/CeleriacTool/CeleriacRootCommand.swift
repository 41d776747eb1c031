import ArgumentParser
import CeleriacCommand

/// The command `celeriac`: the root of its subcommands.
struct CeleriacRootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "celeriac",
        abstract: "Distributed tasks that share queues with Python Celery and Go Machinery.",
        discussion: """
            Verbs take the broker from -b or CELERY_BROKER_URL, and print JSON with --json.

              celeriac doctor -b redis://localhost/0
              celeriac --generate-completion-script bash    (or zsh, or fish)
            """,
        version: CommandVersion.line,
        subcommands: [DemoCommand.self] + CommandVerbs.celery + CommandVerbs.machinery + [
            BridgeCommand.self, WithServersCommand.self, InteropCommand.self, ProduceCommand.self, ConformCommand.self,
            CodecTesteeCommand.self,
        ])
}
