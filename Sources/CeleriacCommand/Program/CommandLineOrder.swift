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

    /// Whether an argument is one of the options together with its value: `--broker=URL`.
    private static func isJoined(_ argument: String) -> Bool {
        guard let sign = argument.firstIndex(of: "=") else { return false }
        return options.contains(String(argument[..<sign])) && argument.hasPrefix("--")
    }
}
