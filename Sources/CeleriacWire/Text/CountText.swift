extension Int {
    /// A number and what it counts, as English has it: `1.counting("message")` is "1 message", and of two it is "2 messages".
    ///
    /// - Parameters:
    ///   - one: what stands behind 1, with its verb if it has one.
    ///   - many: what stands behind all other numbers; nil for `one` with an s.
    /// - Returns: the text.
    package func counting(_ one: String, _ many: String? = nil) -> String {
        self == 1 ? "1 \(one)" : "\(self) \(many ?? one + "s")"
    }
}
