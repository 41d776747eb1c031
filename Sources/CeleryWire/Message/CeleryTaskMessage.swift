public import CeleriacWire
public import FoundationEssentials

/// A Celery task message of protocol 2 (Celery 4 and later) or protocol 1.
///
/// Producers fill in and encode the same type that workers decode. Arguments and signatures are raw wire values; a
/// ``CeleryValueCoding`` interprets `__type__` envelopes in them.
public struct CeleryTaskMessage: Sendable, Hashable {
    /// The protocol of a decoded message: 1 or 2. `encode` ignores it.
    public var protocolVersion: Int
    /// The task's id, by convention the text of a UUID.
    public var id: String
    /// The name of the task to run.
    public var task: String
    /// The positional arguments.
    public var args: [WireValue]
    /// The keyword arguments.
    public var kwargs: WireObject
    /// Callbacks, error callbacks, the rest of the chain and the chord.
    public var embed: CeleryEmbed
    /// The time before which the task must not run: ISO 8601, as it is on the wire. See ``etaDate(utcOffset:)``.
    public var eta: String?
    /// The time after which the task must not run: ISO 8601, as it is on the wire. See ``expiresDate(utcOffset:)``.
    public var expires: String?
    /// How many times the task has been retried.
    public var retries: Int
    /// The time limits of this call.
    public var timeLimit: CeleryTimeLimit
    /// The id of the group that the task belongs to. In the body of a chord it is the id of the header.
    public var group: String?
    /// The position in the group.
    public var groupIndex: Int?
    /// The id of the first task of the workflow. If it is `nil`, `encode` writes the task's own `id`.
    public var rootID: String?
    /// The id of the task that published this one.
    public var parentID: String?
    /// Whether to drop the result; `nil` leaves that to the task's own setting.
    public var ignoreResult: Bool?
    /// A name to show instead of the task's name.
    public var shadow: String?
    /// The node that published the message.
    public var origin: String?
    /// The programming language of the publisher, for information only.
    public var lang: String?
    /// The positional arguments as text for people. If it is `nil`, `encode` computes it; set it to hide arguments.
    public var argsrepr: String?
    /// The keyword arguments as text for people. If it is `nil`, `encode` computes it; set it to hide arguments.
    public var kwargsrepr: String?
    /// How many times the task has been replaced by another one.
    public var replacedTaskNesting: Int
    /// The names of the stamps.
    public var stampedHeaders: [String]?
    /// The stamps: each name has a value or an array of values.
    public var stamps: WireObject
    /// Protocol 1's `utc`, which is true unless the message says otherwise.
    public var utc: Bool
    /// Headers that are not Celery's own, for instance trace context or `celery_beat_task`.
    public var otherHeaders: WireObject
    /// The serializer of the body.
    public var serializer: CelerySerializer
    /// The compression method of the body; `nil` if the body is not compressed.
    public var compression: CompressionMethod?
    /// The basic properties. `encode` overwrites content type and encoding, and adds what Celery always sends.
    public var properties: MessageProperties

    /// Creates a message to send. Set its other properties before encoding it.
    public init(
        task: String,
        id: String,
        args: [WireValue] = [],
        kwargs: WireObject = [:],
        embed: CeleryEmbed = CeleryEmbed(),
        serializer: CelerySerializer = .json,
        compression: CompressionMethod? = nil,
        lang: String = "swift"
    ) {
        self.protocolVersion = 2
        self.id = id
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.embed = embed
        self.retries = 0
        self.timeLimit = CeleryTimeLimit()
        self.lang = lang
        self.replacedTaskNesting = 0
        self.stamps = [:]
        self.utc = true
        self.otherHeaders = [:]
        self.serializer = serializer
        self.compression = compression
        self.properties = MessageProperties()
    }
}

extension CeleryTaskMessage {
    /// Reads the time in ``eta``.
    ///
    /// - Parameter utcOffset: Seconds east of UTC for a time without an offset. Celery reads such a time in the
    ///   receiver's configured time zone, which is UTC by default.
    /// - Returns: The instant; `nil` if the message has none.
    /// - Throws: `CeleryWireError.Code.invalidTask` if the text is not a time.
    public func etaDate(utcOffset: Int = 0) throws(CeleryWireError) -> Date? {
        try Self.date(eta, field: "eta", utcOffset: utcOffset)
    }

    /// Reads the time in ``expires``.
    ///
    /// - Parameter utcOffset: As in ``etaDate(utcOffset:)``.
    /// - Returns: The instant; `nil` if the message has none.
    /// - Throws: `CeleryWireError.Code.invalidTask` if the text is not a time.
    public func expiresDate(utcOffset: Int = 0) throws(CeleryWireError) -> Date? {
        try Self.date(expires, field: "expires", utcOffset: utcOffset)
    }

    private static func date(_ text: String?, field: String, utcOffset: Int) throws(CeleryWireError) -> Date? {
        // Celery treats empty text as no time.
        guard let text, !text.isEmpty else { return nil }
        guard let date = CeleryTime.date(text, utcOffset: utcOffset) else {
            throw CeleryWireError(.invalidTask, "not an ISO 8601 date and time", field: field)
        }
        return date
    }
}
