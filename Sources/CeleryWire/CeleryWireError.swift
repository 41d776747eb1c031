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

extension CeleryWireError {
    /// The kind of a `CeleryWireError`. A layer above may add its own by extension.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The code's name, as it is printed.
        public var rawValue: String

        /// Makes a code of a name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The code's name.
        public var description: String { rawValue }

        /// The bytes are not a kombu envelope, or lack a part without which a Python worker could not take or restore it.
        public static let malformedEnvelope = Code(rawValue: "malformedEnvelope")
        /// The body's content type is unknown or not accepted here.
        public static let disallowedContentType = Code(rawValue: "disallowedContentType")
        /// The body is a Python pickle, which is never read.
        public static let pickleRefused = Code(rawValue: "pickleRefused")
        /// The body is compressed by a method that is unknown or was not compiled in.
        public static let unknownCompression = Code(rawValue: "unknownCompression")
        /// The body does not decompress or does not parse.
        public static let undecodableBody = Code(rawValue: "undecodableBody")
        /// The message is readable but is no task message of either protocol.
        public static let notATask = Code(rawValue: "notATask")
        /// A task message with a part that a Python worker could not run; `field` says which.
        public static let invalidTask = Code(rawValue: "invalidTask")
        /// A chord where results are not kept, so that its body could never begin.
        public static let chordsUnsupported = Code(rawValue: "chordsUnsupported")
        /// The bytes are not a stored or published result.
        public static let malformedResult = Code(rawValue: "malformedResult")
        /// A remote control message with a part that cannot be read; `field` says which.
        public static let malformedControl = Code(rawValue: "malformedControl")
        /// An event, or a batch of them, that cannot be read.
        public static let malformedEvent = Code(rawValue: "malformedEvent")
        /// A value that cannot be sent in the form asked for.
        public static let unrepresentable = Code(rawValue: "unrepresentable")
    }
}
