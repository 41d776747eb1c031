public import CeleriacWire

/// One argument of a task. Arguments are positional: the name is for people.
public struct MachineryArgument: Sendable, Hashable {
    /// A name for people; empty as a rule.
    public var name: String
    /// The Go type, for instance `int64` or `[]string`: see ``GoType``. Kept as it came, also when Machinery knows no such
    /// type.
    public var type: String
    /// The value as it stands in the message. Bytes are base64 text.
    public var value: WireValue

    /// Makes an argument.
    public init(name: String = "", type: String, value: WireValue) {
        self.name = name
        self.type = type
        self.value = value
    }
}
