import Glibc
import NIOConcurrencyHelpers

/// How many characters a terminal shows.
struct TerminalSize: Sendable, Hashable {
    var columns: Int
    var rows: Int

    /// The size of the terminal at standard output; 80 by 24 if nobody knows it.
    static var current: TerminalSize {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return TerminalSize(columns: 80, rows: 24)
        }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}

/// A terminal that shows one picture after the other, and then again what it showed before.
enum TerminalPicture {
    private static let isShown = NIOLockedValueBox(false)

    /// Begins: what the terminal shows is put aside, and the cursor is hidden.
    static func begin() {
        isShown.withLockedValue { $0 = true }
        CommandEnvironment.write(text: "\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Ends if it has begun: the terminal shows again what it showed before.
    static func end() {
        let wasShown = isShown.withLockedValue { isShown in
            defer { isShown = false }
            return isShown
        }
        // Whoever ends because standard output cannot be written comes here, too.
        if wasShown { CommandEnvironment.tell("\u{1B}[?25h\u{1B}[?1049l") }
    }

    /// Shows lines in place of everything.
    static func show(_ lines: [String]) {
        // Each line is cleared to its end, and what is below the last one.
        CommandEnvironment.write(
            text: "\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }
}
