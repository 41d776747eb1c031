public import ArgumentParser

/// The command `celeriac`: the root of its subcommands.
public struct CeleriacRootCommand: AsyncParsableCommand {
    /// The command's name, abstract and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "celeriac",
        abstract: "Distributed tasks that share queues with Python Celery and Go Machinery.",
        subcommands: [
            DemoCommand.self, CallCommand.self, ResultCommand.self, ParkedCommand.self, RestoreCommand.self,
            DecodeCommand.self, BeatCommand.self, WithServersCommand.self,
        ])

    /// Creates the command. The argument parser fills it in.
    public init() {}
}
