/// Text in a file with places for values that stand elsewhere: `${NAME}`.
package enum Placeholders {
    /// Fills the places of a text.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - unclosed: the error for a place without its `}`; nil leaves it as it is.
    ///   - value: what stands for a name; nil for what is no name, which stays as it is.
    /// - Returns: the text with all values in it. What looks like a place in a value stays as it is.
    /// - Throws: `unclosed`, or what `value` throws.
    package static func fill<Failure: Error>(
        _ text: String, unclosed: Failure?, value: (String) throws(Failure) -> String?
    ) throws(Failure) -> String {
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            filled += String(rest[..<start.lowerBound])
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else {
                if let unclosed { throw unclosed }
                filled += "${"
                continue
            }
            guard let found = try value(String(rest[..<end])) else {
                // What follows may be a place.
                filled += "${"
                continue
            }
            filled += found
            rest = rest[rest.index(after: end)...]
        }
        return filled + String(rest)
    }
}
