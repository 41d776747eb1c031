/// What a JSON encoder does with `NaN` and the infinities, which JSON lacks and Python writes as bare words.
public enum NonFinitePolicy: Sendable, Hashable {
    /// Throws `WireError.Code.nonFinite`.
    case refuse
    /// Writes `NaN`, `Infinity` or `-Infinity`, as Python's `json.dumps` does. Strict JSON readers reject them.
    case allow
}
