/// The reasons for which workers and bridges of this version park messages, for whoever mistypes one.
enum ParkedReasons {
    /// The reasons, sorted. The documentation says what each means.
    static let all = [
        "argumentCount", "badArguments", "chordNotCounted", "disallowedContentType", "emptyBody", "emptyList",
        "expiredCertificate", "expires", "followUpNotPublished", "foreignDialect", "fraction", "headers",
        "integerOverflow", "invalidField", "invalidSignature", "invalidTask", "keywordArguments", "loop",
        "malformedEnvelope", "malformedJSON", "malformedNote", "nonFinite", "notATask", "null",
        "outcomeNotEncodable", "oversized", "pickleRefused", "priority", "renamed", "reply", "replyRefused",
        "resultCount", "resultNotStored", "stamps", "targetRefused", "timeLimits", "tooDeep", "tooManyAttempts",
        "tooManyHops", "undecodableBody", "undecodableEnvelope", "undecodableProperties", "unknownCompression",
        "unknownSigner", "unknownTask", "unnotable", "unreadableFile", "unregistered", "unsupportedHeader",
        "unsupportedType", "valueMismatch", "valueOutOfRange",
    ]

    /// What to say of a reason that no parked message has; nil if there is such a reason.
    static func doubt(about reason: String) -> String? {
        if all.contains(reason) { return nil }
        return "Warning: no message is parked for \(reason.printable). These are the reasons: "
            + all.joined(separator: ", ")
    }
}
