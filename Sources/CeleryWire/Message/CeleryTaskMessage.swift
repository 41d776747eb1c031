public import CeleriacWire
public import FoundationEssentials

/// A Celery task message, of protocol 2 (Celery 4 and later) or protocol 1.
///
/// The same type is what a producer fills and encodes and what a worker decodes. Arguments and signatures are raw wire
/// values; `CeleryValueCoding` gives `__type__` envelopes their meaning.
public struct CeleryTaskMessage: Sendable, Hashable {
    /// The protocol the message came in: 1 or 2. `encode` does not look at it.
    public var protocolVersion: Int
    /// The task's id, a UUID's text by convention.
    public var id: String
    /// The name of the task to run.
    public var task: String
    /// The positional arguments.
    public var args: [WireValue]
    /// The keyword arguments.
    public var kwargs: WireObject
    /// Callbacks, error callbacks, the rest of the chain and the chord.
    public var embed: CeleryEmbed
    /// Not to be run before this time: ISO 8601, as it stands on the wire. See `etaDate(utcOffset:)`.
    public var eta: String?
    /// Not to be run after this time: ISO 8601, as it stands on the wire. See `expiresDate(utcOffset:)`.
    public var expires: String?
    /// How often the task has been retried.
    public var retries: Int
    /// The time limits of this call.
    public var timeLimit: CeleryTimeLimit
    /// The id of the group that the task belongs to; in a chord's body, the id of the chord's header.
    public var group: String?
    /// The position in the group.
    public var groupIndex: Int?
    /// The id of the workflow's first task. `encode` writes the own `id` where this is `nil`.
    public var rootID: String?
    /// The id of the task that published this one.
    public var parentID: String?
    /// Whether the result is to be dropped; `nil` leaves it to the task's own setting.
    public var ignoreResult: Bool?
    /// A name to show in place of the task's.
    public var shadow: String?
    /// The node that published the message.
    public var origin: String?
    /// The language of the publisher; informational.
    public var lang: String?
    /// The positional arguments as text to show. `encode` computes it where it is `nil`; set it to hide arguments.
    public var argsrepr: String?
    /// The keyword arguments as text to show. `encode` computes it where it is `nil`; set it to hide arguments.
    public var kwargsrepr: String?
    /// How often the task has been replaced by another.
    public var replacedTaskNesting: Int
    /// The names of the stamps.
    public var stampedHeaders: [String]?
    /// The stamps: a value, or an array of values, by name.
    public var stamps: WireObject
    /// Protocol 1's `utc`; true where the message does not say.
    public var utc: Bool
    /// Headers that are not Celery's own: trace context, `celery_beat_task` and what callers add.
    public var otherHeaders: WireObject
    /// How the body is, or is to be, serialized.
    public var serializer: CelerySerializer
    /// How the body is, or is to be, compressed; `nil` when it is not.
    public var compression: CeleryCompression?
    /// The basic properties. `encode` overwrites content type and encoding, and fills in what Celery always sends.
    public var properties: MessageProperties

    /// Makes a message to send; set other properties on it before it is encoded.
    public init(
        task: String,
        id: String,
        args: [WireValue] = [],
        kwargs: WireObject = [:],
        embed: CeleryEmbed = CeleryEmbed(),
        serializer: CelerySerializer = .json,
        compression: CeleryCompression? = nil,
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
    /// The time in `eta`; `nil` when the message has none.
    ///
    /// - Parameter utcOffset: Seconds east of UTC for a time that names no offset: Celery reads such a time in the
    ///   receiver's configured time zone, which is UTC unless set.
    /// - Throws: `invalidTask` naming `eta` when the text is no time.
    public func etaDate(utcOffset: Int = 0) throws(CeleryWireError) -> Date? {
        try Self.date(eta, field: "eta", utcOffset: utcOffset)
    }

    /// The time in `expires`; `nil` when the message has none.
    ///
    /// - Parameter utcOffset: As for `etaDate(utcOffset:)`.
    /// - Throws: `invalidTask` naming `expires` when the text is no time.
    public func expiresDate(utcOffset: Int = 0) throws(CeleryWireError) -> Date? {
        try Self.date(expires, field: "expires", utcOffset: utcOffset)
    }

    private static func date(_ text: String?, field: String, utcOffset: Int) throws(CeleryWireError) -> Date? {
        // Celery takes empty text for none.
        guard let text, !text.isEmpty else { return nil }
        guard let date = CeleryTime.date(text, utcOffset: utcOffset) else {
            throw CeleryWireError(.invalidTask, "not an ISO 8601 date and time", field: field)
        }
        return date
    }
}
