import ArgumentParser
import CeleriacWire

/// A command of remote control with its arguments, as `inspect` and `control` take it.
struct RemoteLine: ParsableArguments {
    @Argument(help: "The command. --list shows all.", completion: .list(RemoteCommand.names))
    var command: String?

    @Argument(help: "The command's arguments.")
    var arguments: [String] = []

    @Option(
        help: "Arguments by name, as a JSON object: those of a command of your own, or further ones of Celery's.")
    var kwargs: String?

    @Flag(help: "List the commands and exit.")
    var list = false

    /// The command and its arguments; nil if only the list is wanted.
    ///
    /// - Throws: `ValidationError` if the command or its arguments are wrong.
    func request(_ kind: RemoteCommand.Kind) throws -> (command: String, arguments: WireObject)? {
        if list { return nil }
        guard let command else { throw ValidationError("Missing argument 'COMMAND': --list shows all.") }
        return (command, try RemoteCommand.arguments(kind, command, arguments, keywords: kwargs))
    }

    /// Prints the list of commands.
    func show(_ kind: RemoteCommand.Kind, to output: CommandOutput) {
        let commands = RemoteCommand.all(kind).map { command -> WireValue in
            [
                "name": .string(command.name), "arguments": .string(command.signature), "help": .string(command.help),
            ]
        }
        output.show(["commands": .array(commands)]) { RemoteCommand.list(kind) }
    }
}
