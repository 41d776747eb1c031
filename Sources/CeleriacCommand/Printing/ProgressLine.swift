/// A line on standard error that says how far something is, and is replaced by the next one. Nothing is shown where
/// standard error is no terminal.
struct ProgressLine {
    private let isShown: Bool
    private var last = ""

    init(isShown: Bool = CommandEnvironment.errorIsTerminal) { self.isShown = isShown }

    /// Shows a text in place of the last one.
    mutating func show(_ text: String) {
        guard isShown, text != last else { return }
        last = text
        CommandEnvironment.sayInPlace(text.printable)
    }

    /// Removes the text, so that something else may be printed.
    mutating func clear() {
        guard isShown, !last.isEmpty else { return }
        last = ""
        CommandEnvironment.sayInPlace("")
    }
}
