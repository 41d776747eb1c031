/// How JSON is spelled: all styles say the same to a reader, but not the same bytes.
public struct JSONStyle: Sendable, Hashable {
    /// How characters of a string are written.
    enum Escaping: Sendable, Hashable {
        /// Only what JSON demands: quotation mark, reverse solidus and control characters.
        case minimal
        /// Printable ASCII only; all else as `\u` escapes, as Python's `ensure_ascii`.
        case ascii
    }

    /// Whether a space follows each comma and colon.
    var spaced: Bool
    var escaping: Escaping

    /// No spaces, text as UTF-8. Floats as Python writes them.
    public static let compact = JSONStyle(spaced: false, escaping: .minimal)
    /// Byte for byte what Python's `json.dumps` writes by default: a space after comma and colon, and everything but
    /// printable ASCII as `\u` escapes with surrogate pairs.
    public static let python = JSONStyle(spaced: true, escaping: .ascii)
}
