/// Text in a file with places for values that stand elsewhere: `${NAME}`.
package enum Placeholders {
    /// Fills the places of a text.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - unclosed: the error for a place without its `}`.
    ///   - value: what stands for a name.
    /// - Returns: the text with all values in it. What looks like a place in a value stays as it is.
    /// - Throws: `unclosed`, or what `value` throws.
    package static func fill<Failure: Error>(
        _ text: String, unclosed: Failure, value: (String) throws(Failure) -> String
    ) throws(Failure) -> String {
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            filled += String(rest[..<start.lowerBound])
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else { throw unclosed }
            filled += try value(String(rest[..<end]))
            rest = rest[rest.index(after: end)...]
        }
        return filled + String(rest)
    }
}
