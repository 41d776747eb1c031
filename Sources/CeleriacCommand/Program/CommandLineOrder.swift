package import ArgumentParser
import Celeriac
import Foundation

/// Celery's command lines have the options of the application before the verb: `celery -A proj -b URL worker`. Here they
/// belong to the verbs.
package enum CommandLineOrder {
    /// Options before the verb that take a value, and flags.
    private static let options: Set<String> = [
        "-A", "--app", "-b", "--broker", "--result-backend", "--config", "--workdir",
    ]
    private static let flags: Set<String> = ["-C", "--no-color", "-q", "--quiet"]

    /// Moves the options before the verb to the end of the command line, in front of a `--`.
    package static func verbFirst(_ arguments: [String]) -> [String] {
        var (moved, rest): ([String], ArraySlice<String>) = ([], arguments[...])
        while let argument = rest.first, argument.hasPrefix("-") {
            if flags.contains(argument) || isJoined(argument) {
                moved.append(argument)
                rest.removeFirst()
            } else if options.contains(argument), rest.count > 1 {
                moved += rest.prefix(2)
                rest.removeFirst(2)
            } else {
                // It is not for us to say what this is.
                return arguments
            }
        }
        guard !rest.isEmpty else { return arguments }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + moved + Array(rest[end...])
    }

    /// Ends the process if a program has no such verb. The parser would complain of the options of a verb that it does not
    /// know, and not of the verb.
    package static func refuseUnknownVerb(_ arguments: [String], of root: any ParsableCommand.Type) {
        guard let complaint = complaint(about: arguments, of: root) else { return }
        CommandEnvironment.say("Error: \(complaint)")
        exit(ExitCode.validationFailure.rawValue)
    }

    /// What to say of a verb that a program does not have; nil for one that it has, and for a line without a verb.
    static func complaint(about arguments: [String], of root: any ParsableCommand.Type) -> String? {
        let names = root.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard let verb = arguments.first, !verb.hasPrefix("-"), !(names + ["help"]).contains(verb) else { return nil }
        let meant = Misspelling.nearest(to: verb, among: names).map { ": did you mean \($0)?" } ?? "."
        return "There is no verb \(verb.printable)\(meant) --help lists them."
    }

    /// Whether an argument is one of the options together with its value: `--broker=URL`.
    private static func isJoined(_ argument: String) -> Bool {
        guard let sign = argument.firstIndex(of: "=") else { return false }
        return options.contains(String(argument[..<sign])) && argument.hasPrefix("--")
    }
}
