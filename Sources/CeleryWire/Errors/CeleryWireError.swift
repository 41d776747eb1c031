public import CeleriacWire

/// Why bytes are not a Celery message or result, or why a value cannot become one.
///
/// `description` names fields and formats. It never holds arguments, results or header values: those are user data.
public struct CeleryWireError: Error, Sendable, Hashable {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong and what can be done about it, in words.
    public var message: String
    /// The part of the message that is at fault, as Celery names it (`timelimit`, `properties.delivery_tag`); `nil`
    /// where it is the whole.
    public var field: String?
    /// The codec's error beneath, where there is one.
    public var cause: WireError?

    /// Makes an error.
    public init(_ code: Code, _ message: String, field: String? = nil, cause: WireError? = nil) {
        self.code = code
        self.message = message
        self.field = field
        self.cause = cause
    }
}

extension CeleryWireError: CustomStringConvertible {
    /// One line: code, field, message and cause.
    public var description: String {
        var text = code.rawValue
        if let field { text += " (\(field))" }
        text += ": \(message)"
        if let cause { text += " [\(cause)]" }
        return text
    }
}
