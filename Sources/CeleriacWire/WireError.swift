/// An error of a codec: bytes could not become values, or values could not become bytes.
///
/// Neither `message` nor `description` contains values from the bytes, because task arguments do not belong in logs.
/// Coding paths (keys and positions) may appear.
public struct WireError: Error, Sendable, Hashable {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong, and what to do about it.
    public var message: String
    /// Where in the input the error is, in bytes from the start; `nil` if it has no position.
    public var offset: Int?

    /// Creates an error.
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

extension WireError {
    /// The kind of a ``WireError``. An extension may add codes.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name of the code.
        public var rawValue: String

        /// Creates a code with a name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The name of the code.
        public var description: String { rawValue }

        /// The bytes do not follow the format's grammar.
        public static let malformed = Code(rawValue: "malformed")
        /// The bytes end before the value does.
        public static let truncated = Code(rawValue: "truncated")
        /// Bytes follow the end of the value.
        public static let trailingBytes = Code(rawValue: "trailingBytes")
        /// Text is not UTF-8.
        public static let invalidUTF8 = Code(rawValue: "invalidUTF8")
        /// A `\uD800`…`\uDFFF` escape has no partner. Python allows such strings, Unicode text does not.
        public static let loneSurrogate = Code(rawValue: "loneSurrogate")
        /// Two different keys of one object differ only in how Unicode composes them, so a Swift dictionary or type
        /// would drop one.
        public static let ambiguousKey = Code(rawValue: "ambiguousKey")
        /// A key of an object is not text.
        public static let nonStringKey = Code(rawValue: "nonStringKey")
        /// The input has more bytes than ``WireLimits`` allow.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// The nesting is deeper than ``WireLimits`` allow.
        public static let tooDeep = Code(rawValue: "tooDeep")
        /// There are more values than ``WireLimits`` allow.
        public static let tooManyValues = Code(rawValue: "tooManyValues")
        /// `NaN` or an infinity stands where it is not allowed.
        public static let nonFinite = Code(rawValue: "nonFinite")
        /// The format has no form for raw bytes.
        public static let bytesUnsupported = Code(rawValue: "bytesUnsupported")
        /// The format, or this library, has no form for the value.
        public static let unsupported = Code(rawValue: "unsupported")
        /// Text is not a number, or a number does not fit its type.
        public static let invalidNumber = Code(rawValue: "invalidNumber")
        /// The text is not base64.
        public static let invalidBase64 = Code(rawValue: "invalidBase64")
        /// Compressed bytes are damaged.
        public static let corruptCompression = Code(rawValue: "corruptCompression")
        /// The content of compressed bytes is larger, absolutely or in proportion, than ``WireLimits`` allow.
        public static let decompressedTooLarge = Code(rawValue: "decompressedTooLarge")
        /// A compression method is unknown or was not compiled in.
        public static let codecUnavailable = Code(rawValue: "codecUnavailable")
        /// A value has another type than the requested one.
        public static let typeMismatch = Code(rawValue: "typeMismatch")
        /// A requested key or element does not exist.
        public static let valueMissing = Code(rawValue: "valueMissing")
        /// A C library failed because it ran out of memory.
        public static let internalFailure = Code(rawValue: "internalFailure")
    }
}
