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
