/// Why a call cannot be made or its result not be read, in the words of the dialect.
public struct CallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller is told. In Machinery it may quote an argument, as Go does.
    public var text: String

    /// Makes an error.
    public init(_ text: String) { self.text = text }

    /// The name of the error. Its text may hold arguments, which do not belong in logs.
    public var description: String { "CallError" }
}
