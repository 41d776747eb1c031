/// A value as it stands on the wire, before any dialect gives it a meaning.
///
/// Every codec of this module (JSON, MessagePack, YAML) reads and writes this one type. It keeps what Foundation's JSON
/// loses: the difference between an integer and a float, integers past 64 bits, the order of keys, `NaN` and the
/// infinities.
public enum WireValue: Sendable, Hashable {
    /// JSON `null`, Python `None`.
    case null
    /// A boolean.
    case bool(Bool)
    /// An integer that fits 64 signed bits.
    case int(Int64)
    /// A number kept as its decimal text, because neither `Int64` nor `Double` holds it exactly: an integer past
    /// 64 bits, for instance `1180591620717411303424`.
    case number(String)
    /// A floating point number, including `NaN` and the infinities.
    case double(Double)
    /// Text.
    case string(String)
    /// Raw bytes. JSON has no form for them (a dialect's value coding maps them); MessagePack and YAML have.
    case bytes([UInt8])
    /// A list.
    case array([WireValue])
    /// An object that keeps the order of its keys.
    case object(WireObject)
}
