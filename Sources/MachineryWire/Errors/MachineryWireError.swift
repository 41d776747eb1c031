/// What is wrong with a Machinery message, state or signature.
///
/// The message names fields and types, never values.
public struct MachineryWireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong and what to do about it, in words.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
