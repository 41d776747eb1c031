/// How JSON is spelled: all styles say the same to a reader, but not the same bytes.
public struct JSONStyle: Sendable, Hashable {
    /// How characters of a string are written.
    enum Escaping: Sendable, Hashable {
        /// Only what JSON demands: quotation mark, reverse solidus and control characters.
        case minimal
        /// Printable ASCII only; all else as `\u` escapes, as Python's `ensure_ascii`.
        case ascii
        /// As Go's `encoding/json`, which keeps text safe to stand in HTML.
        case go
    }

    /// Whether a space follows each comma and colon.
    var spaced: Bool
    var escaping: Escaping

    /// No spaces, text as UTF-8. Floats as Python writes them.
    public static let compact = JSONStyle(spaced: false, escaping: .minimal)
    /// Byte for byte what Python's `json.dumps` writes by default: a space after comma and colon, and everything but
    /// printable ASCII as `\u` escapes with surrogate pairs.
    public static let python = JSONStyle(spaced: true, escaping: .ascii)
    /// Byte for byte what Python's `json.dumps` writes with `ensure_ascii=False`: a space after comma and colon, text as
    /// UTF-8.
    public static let readable = JSONStyle(spaced: true, escaping: .minimal)
    /// Byte for byte what Go's `encoding/json` writes (before Go 1.22, which has shorter escapes for two control
    /// characters): no spaces, `<`, `>`, `&` and the two line separators as escapes, other text as UTF-8, floats in
    /// plain decimals between 1e-6 and 1e21 and without a needless `.0`. Keys stay in the order they have.
    public static let go = JSONStyle(spaced: false, escaping: .go)
}
