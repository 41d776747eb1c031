/// What is wrong with a Machinery message, state or signature.
///
/// The message names fields and types, never values.
public struct MachineryWireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong, and what to do about it.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}

extension MachineryWireError {
    /// The kind of a ``MachineryWireError``. An extension may add codes.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name of the code.
        public var rawValue: String

        /// Creates a code with a name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The name of the code.
        public var description: String { rawValue }

        /// The bytes are not JSON.
        public static let malformedJSON = Code(rawValue: "malformedJSON")
        /// The JSON is not an object, or a field has the wrong type. Go cannot decode such a message either.
        public static let invalidField = Code(rawValue: "invalidField")
        /// Machinery does not know the type of an argument, which would make a Go worker fail.
        public static let unsupportedType = Code(rawValue: "unsupportedType")
        /// The value of an argument does not have its type. A scalar instead of a slice would kill a Go worker.
        public static let valueMismatch = Code(rawValue: "valueMismatch")
        /// A number does not fit its type. A Go worker would silently truncate it.
        public static let valueOutOfRange = Code(rawValue: "valueOutOfRange")
        /// A header is not text, a boolean or null, so that a Go worker could not publish the message again.
        public static let unsupportedHeader = Code(rawValue: "unsupportedHeader")
        /// Signatures are nested deeper than messages may be.
        public static let tooDeep = Code(rawValue: "tooDeep")
        /// A number is NaN or infinite, which JSON lacks.
        public static let nonFinite = Code(rawValue: "nonFinite")
    }
}
