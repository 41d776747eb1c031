/// What went wrong while bytes were turned into values or values into bytes.
///
/// Every codec of this module throws this one type. Neither `message` nor `description` holds values from the bytes:
/// those are task arguments, which do not belong in logs. Coding paths (names of keys and positions) may appear.
public struct WireError: Error, Sendable, Hashable {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong and what can be done about it, in words.
    public var message: String
    /// Where in the input it was found, in bytes from its start; `nil` where there is no such place.
    public var offset: Int?

    /// Makes an error.
    public init(_ code: Code, _ message: String, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }
}

extension WireError: CustomStringConvertible {
    /// One line: code, message and offset.
    public var description: String {
        guard let offset else { return "\(code): \(message)" }
        return "\(code): \(message) (at byte \(offset))"
    }
}
