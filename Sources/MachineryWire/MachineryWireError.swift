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

extension MachineryWireError {
    /// The kind of a ``MachineryWireError``. New kinds may be added.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code's name, as it is printed.
        public var rawValue: String

        /// Makes a code of a name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The code's name.
        public var description: String { rawValue }

        /// The bytes are not JSON.
        public static let malformedJSON = Code(rawValue: "malformedJSON")
        /// JSON, but not an object, or a field of it has another type than Go's: Go cannot decode the message either.
        public static let invalidField = Code(rawValue: "invalidField")
        /// An argument's type is none of those that Machinery knows: it would stop a Go worker.
        public static let unsupportedType = Code(rawValue: "unsupportedType")
        /// An argument's value is not of its type: a scalar for a slice would kill a Go worker.
        public static let valueMismatch = Code(rawValue: "valueMismatch")
        /// A number does not fit its type: a Go worker would cut it off silently.
        public static let valueOutOfRange = Code(rawValue: "valueOutOfRange")
        /// A header is not text, a boolean or null: a Go worker could not publish the message again.
        public static let unsupportedHeader = Code(rawValue: "unsupportedHeader")
        /// Signatures are nested deeper than messages may be.
        public static let tooDeep = Code(rawValue: "tooDeep")
        /// NaN or an infinity, which JSON lacks.
        public static let nonFinite = Code(rawValue: "nonFinite")
    }
}
