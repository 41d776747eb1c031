import ArgumentParser
import CeleriacCommand

/// The command `celeriac`: the root of its subcommands.
struct CeleriacRootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "celeriac",
        abstract: "Distributed tasks that share queues with Python Celery and Go Machinery.",
        version: CommandVersion.line,
        subcommands: [DemoCommand.self] + CommandVerbs.celery + CommandVerbs.machinery + [WithServersCommand.self])
}
