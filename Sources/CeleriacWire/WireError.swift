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

extension WireError {
    /// The kind of a `WireError`. A dialect may add its own by extension.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code's name, as it is printed.
        public var rawValue: String

        /// Makes a code of a name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The code's name.
        public var description: String { rawValue }

        /// The bytes do not follow the format's grammar.
        public static let malformed = Code(rawValue: "malformed")
        /// The bytes end before the value does.
        public static let truncated = Code(rawValue: "truncated")
        /// Something follows the end of the value.
        public static let trailingBytes = Code(rawValue: "trailingBytes")
        /// Text that is not UTF-8.
        public static let invalidUTF8 = Code(rawValue: "invalidUTF8")
        /// A `\uD800`…`\uDFFF` escape without its partner: Python has such strings, Unicode text has not.
        public static let loneSurrogate = Code(rawValue: "loneSurrogate")
        /// Two different keys of one object that are the same text to Unicode (canonical equivalence).
        public static let ambiguousKey = Code(rawValue: "ambiguousKey")
        /// A key of an object is not text.
        public static let nonStringKey = Code(rawValue: "nonStringKey")
        /// More bytes than `WireLimits` allow.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// Nested deeper than `WireLimits` allow.
        public static let tooDeep = Code(rawValue: "tooDeep")
        /// More values than `WireLimits` allow.
        public static let tooManyValues = Code(rawValue: "tooManyValues")
        /// `NaN` or an infinity where they are not allowed.
        public static let nonFinite = Code(rawValue: "nonFinite")
        /// Bytes, where the format has no form for them.
        public static let bytesUnsupported = Code(rawValue: "bytesUnsupported")
        /// Another value that the format, or this library, has no form for.
        public static let unsupported = Code(rawValue: "unsupported")
        /// A number's text is not a number, or the number does not fit where it has to go.
        public static let invalidNumber = Code(rawValue: "invalidNumber")
        /// The text is not base64.
        public static let invalidBase64 = Code(rawValue: "invalidBase64")
        /// Compressed bytes that are damaged.
        public static let corruptCompression = Code(rawValue: "corruptCompression")
        /// Compressed bytes whose content is larger, or larger in proportion, than `WireLimits` allow.
        public static let decompressedTooLarge = Code(rawValue: "decompressedTooLarge")
        /// A compression method, or format, that is unknown or was not compiled in.
        public static let codecUnavailable = Code(rawValue: "codecUnavailable")
        /// A value is of another type than was asked for.
        public static let typeMismatch = Code(rawValue: "typeMismatch")
        /// A key or an element that was asked for is not there.
        public static let valueMissing = Code(rawValue: "valueMissing")
        /// A C library that does the work failed, for want of memory.
        public static let internalFailure = Code(rawValue: "internalFailure")
    }
}
