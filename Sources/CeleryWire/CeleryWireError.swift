public import CeleriacWire

/// Why bytes are not a Celery message or result, or why a value cannot become one.
///
/// `description` names fields and formats. It never contains arguments, results or header values, which are user data.
public struct CeleryWireError: Error, Sendable, Hashable {
    /// The kind of failure, to switch on.
    public var code: Code
    /// What is wrong, and what to do about it.
    public var message: String
    /// The invalid part of the message under Celery's name (`timelimit`, `properties.delivery_tag`); `nil` for the
    /// whole.
    public var field: String?
    /// The error of the codec, if there was one.
    public var cause: WireError?

    /// Creates an error.
    public init(_ code: Code, _ message: String, field: String? = nil, cause: WireError? = nil) {
        self.code = code
        self.message = message
        self.field = field
        self.cause = cause
    }
}

extension CeleryWireError {
    /// Bytes that a codec did not read: either they are no such text at all, or they are and have something that is
    /// refused, which the message then names.
    package init(_ code: Code, _ what: String, as format: String, field: String? = nil, cause: WireError) {
        let isGrammar = [.malformed, .truncated, .trailingBytes, .invalidUTF8].contains(cause.code)
        let place = cause.offset.map { " (at byte \($0))" } ?? ""
        self.init(
            code, "\(what) is \(isGrammar ? "not \(format)" : "refused"): \(cause.message)\(place)", field: field,
            cause: cause)
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

extension CeleryWireError {
    /// The kind of a ``CeleryWireError``. An extension may add codes.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name of the code.
        public var rawValue: String

        /// Creates a code with a name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The name of the code.
        public var description: String { rawValue }

        /// The bytes are not a kombu envelope, or lack a part that a Python worker needs to take or restore it.
        public static let malformedEnvelope = Code(rawValue: "malformedEnvelope")
        /// The content type of the body is unknown or not accepted.
        public static let disallowedContentType = Code(rawValue: "disallowedContentType")
        /// The body is a Python pickle, which is never read.
        public static let pickleRefused = Code(rawValue: "pickleRefused")
        /// The compression method of the body is unknown or was not compiled in.
        public static let unknownCompression = Code(rawValue: "unknownCompression")
        /// The body cannot be decompressed or parsed.
        public static let undecodableBody = Code(rawValue: "undecodableBody")
        /// The body is signed, but not what its signature says: somebody changed it, or it was signed with another key or
        /// digest.
        public static let invalidSignature = Code(rawValue: "invalidSignature")
        /// The body is signed by somebody whose certificate is not in the store.
        public static let unknownSigner = Code(rawValue: "unknownSigner")
        /// The body is signed, and the signer's certificate has expired.
        public static let expiredCertificate = Code(rawValue: "expiredCertificate")
        /// The message is readable but is not a task message of either protocol.
        public static let notATask = Code(rawValue: "notATask")
        /// A part of the task message would make a Python worker fail; `field` names it.
        public static let invalidTask = Code(rawValue: "invalidTask")
        /// The signature contains a chord, whose body could never begin because results are not stored.
        public static let chordsUnsupported = Code(rawValue: "chordsUnsupported")
        /// The bytes are not a result.
        public static let malformedResult = Code(rawValue: "malformedResult")
        /// A part of the remote control message is invalid; `field` names it.
        public static let malformedControl = Code(rawValue: "malformedControl")
        /// The message is not an event or a batch of events.
        public static let malformedEvent = Code(rawValue: "malformedEvent")
        /// The value cannot be written in the requested form.
        public static let unrepresentable = Code(rawValue: "unrepresentable")
    }
}
