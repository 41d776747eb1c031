import ArgumentParser
import CeleriacCommand

// This is a dedicated type, because at the top level of a main.swift the compiler would choose ArgumentParser's
// synchronous `main`.
@main enum Tool {
    static func main() async {
        let arguments = CommandLineOrder.verbFirst(Array(CommandLine.arguments.dropFirst()))
        CommandLineOrder.refuseUnknownVerb(arguments, of: CeleriacRootCommand.self)
        await CeleriacRootCommand.main(arguments)
    }
}
