public import CeleriacWire

/// One result of a task.
public struct MachineryResult: Sendable, Hashable {
    /// Go's name of the type. Unlike those of arguments it may be any, also one that nobody else can read.
    public var type: String
    /// The value as it stands in the state. Bytes are base64 text.
    public var value: WireValue

    /// Makes a result.
    public init(type: String, value: WireValue) {
        self.type = type
        self.value = value
    }

    /// The argument that hands the result to a callback.
    public var argument: MachineryArgument { MachineryArgument(type: type, value: value) }
}
