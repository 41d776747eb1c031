import Glibc

/// Colors and weights of text on a terminal, as Celery's commands have them.
struct TerminalStyle: Sendable, Hashable {
    /// A terminal's colors by their numbers.
    enum Color: Int, Sendable {
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
        case white = 37
    }

    /// Whether anything is colored.
    let isColored: Bool

    /// Text that is left as it is.
    static let plain = TerminalStyle(isColored: false)

    init(isColored: Bool) { self.isColored = isColored }

    /// The style of standard output: plain if that is no terminal, or if nobody wants colors.
    ///
    /// - Parameters:
    ///   - noColor: whether the command line wants none.
    ///   - environment: the environment's variables, of which `NO_COLOR` and `TERM` count.
    ///   - isTerminal: whether standard output is a terminal.
    init(
        noColor: Bool, environment: [String: String] = CommandEnvironment().all,
        isTerminal: Bool = CommandEnvironment.outputIsTerminal
    ) {
        let isUnwanted = noColor || environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        isColored = isTerminal && !isUnwanted && environment["TERM"] != "dumb"
    }

    /// A text in a color. It must not hold anything yet that would control a terminal.
    func text(_ text: String, _ color: Color, isBold: Bool = true) -> String {
        guard isColored else { return text }
        return "\u{1B}[\(color.rawValue)m\(isBold ? "\u{1B}[1m" : "")\(text)\u{1B}[0m"
    }
}

extension CommandEnvironment {
    /// Whether standard output is a terminal.
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether standard input is a terminal, so that somebody can be asked.
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Whether standard error is a terminal, so that progress can be shown there.
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
