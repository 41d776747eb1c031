public import CeleriacWire

public import struct FoundationEssentials.Date

/// How a task is sent and run. The application's configuration decides about an option that is nil.
public struct SendOptions: Sendable, Hashable {
    /// The task's id; a new UUID unless given. Never reuse one: two tasks would write one result.
    public var taskID: String?
    /// Run it no earlier than this long from now; zero is at once. ``eta`` takes precedence.
    public var countdown: Duration?
    /// Run it no earlier than this time.
    public var eta: Date?
    /// Do not run it after this time.
    public var expires: Date?
    /// Do not run it later than this long after it is sent. ``expires`` takes precedence.
    public var expiresAfter: Duration?
    /// Priority as the broker understands it: on RabbitMQ the highest number is served first (0 to 255, and the queue
    /// must be declared with `x-max-priority`), on Redis the lowest (0 to 9).
    public var priority: UInt8?
    /// The queue.
    public var queue: String?
    /// The exchange, where the dialect has exchanges; nil for that of the queue. Celery follows a direct one only beside a
    /// routing key.
    public var exchange: String?
    /// The routing key; nil for that of the queue.
    public var routingKey: String?
    /// Custom headers. They are added to the dialect's own and cannot replace those.
    public var headers: WireObject
    /// Limits for the run.
    public var timeLimits: TimeLimits
    /// Whether the worker stores no result.
    public var ignoresResult: Bool?
    /// The form of the body.
    public var serializer: Serializer?
    /// The compression of the body.
    public var compression: Compression?
    /// What logs, monitors and extended results show in place of the positional arguments, for arguments that are
    /// private: Celery's `argsrepr`. Nil to show them. Machinery shows none.
    public var argumentsText: String?
    /// The same in place of the keyword arguments: Celery's `kwargsrepr`.
    public var keywordArgumentsText: String?
    /// How often the sender publishes again while the broker is out of reach: 0 for never, which is Celery's
    /// `retry=False`. Of tasks that are sent together the first that says so decides.
    public var publishRetries: Int?

    /// Makes options. Those that are not given stay open.
    public init(
        taskID: String? = nil,
        countdown: Duration? = nil,
        eta: Date? = nil,
        expires: Date? = nil,
        expiresAfter: Duration? = nil,
        priority: UInt8? = nil,
        queue: String? = nil,
        exchange: String? = nil,
        routingKey: String? = nil,
        headers: WireObject = [:],
        timeLimits: TimeLimits = TimeLimits(),
        ignoresResult: Bool? = nil,
        serializer: Serializer? = nil,
        compression: Compression? = nil,
        argumentsText: String? = nil,
        keywordArgumentsText: String? = nil,
        publishRetries: Int? = nil
    ) {
        self.taskID = taskID
        self.countdown = countdown
        self.eta = eta
        self.expires = expires
        self.expiresAfter = expiresAfter
        self.priority = priority
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        self.headers = headers
        self.timeLimits = timeLimits
        self.ignoresResult = ignoresResult
        self.serializer = serializer
        self.compression = compression
        self.argumentsText = argumentsText
        self.keywordArgumentsText = keywordArgumentsText
        self.publishRetries = publishRetries
    }

    /// The time before which the task must not run, if it is sent now; nil to run it at once.
    package func start(now: Date) -> Date? {
        eta ?? countdown.flatMap { $0 != .zero ? now.addingTimeInterval($0.seconds) : nil }
    }

    /// The time after which the task must not run, if it is sent now; nil for no limit.
    package func expiry(now: Date) -> Date? {
        expires ?? expiresAfter.map { now.addingTimeInterval($0.seconds) }
    }

    /// Returns these options, overridden by those that `other` sets.
    package func overridden(by other: SendOptions) -> SendOptions {
        var merged = self
        merged.taskID = other.taskID ?? taskID
        merged.countdown = other.countdown ?? countdown
        merged.eta = other.eta ?? (other.countdown == nil ? eta : nil)
        merged.expires = other.expires ?? (other.expiresAfter == nil ? expires : nil)
        merged.expiresAfter = other.expiresAfter ?? expiresAfter
        merged.priority = other.priority ?? priority
        merged.queue = other.queue ?? queue
        merged.exchange = other.exchange ?? exchange
        merged.routingKey = other.routingKey ?? routingKey
        for (name, value) in other.headers { merged.headers[name] = value }
        merged.timeLimits.soft = other.timeLimits.soft ?? timeLimits.soft
        merged.timeLimits.hard = other.timeLimits.hard ?? timeLimits.hard
        merged.ignoresResult = other.ignoresResult ?? ignoresResult
        merged.serializer = other.serializer ?? serializer
        merged.compression = other.compression ?? compression
        merged.argumentsText = other.argumentsText ?? argumentsText
        merged.keywordArgumentsText = other.keywordArgumentsText ?? keywordArgumentsText
        merged.publishRetries = other.publishRetries ?? publishRetries
        return merged
    }
}

/// The form of a message's body, by the name that Celery uses for it.
///
/// The set of names is open, and a dialect may refuse one. Celery's wire product has a closed set of those that it can
/// read and write, `CelerySerializer`.
public struct Serializer: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The name.
    public var rawValue: String

    /// A serializer by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// JSON, which every worker accepts.
    public static let json = Serializer(rawValue: "json")
    /// MessagePack. A Celery worker accepts it only if its `accept_content` names it.
    public static let msgpack = Serializer(rawValue: "msgpack")
    /// YAML. A Celery worker accepts it only if its `accept_content` names it.
    public static let yaml = Serializer(rawValue: "yaml")

    /// The name.
    public var description: String { rawValue }
}

/// How a message's body is compressed, by the name that Celery uses for it.
///
/// The set of names is open, and a dialect may refuse one. Celery's wire product has a closed set of those that it can
/// read and write, `CompressionMethod`.
public struct Compression: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The name.
    public var rawValue: String

    /// A compression by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// zlib (RFC 1950), which Celery also calls `gzip`.
    public static let zlib = Compression(rawValue: "zlib")
    /// bzip2; needs the package trait `Compression`.
    public static let bzip2 = Compression(rawValue: "bzip2")
    /// xz, which Celery also calls `lzma`; needs the package trait `Compression`.
    public static let xz = Compression(rawValue: "xz")
    /// Zstandard; needs the package trait `Compression`.
    public static let zstd = Compression(rawValue: "zstd")

    /// The name.
    public var description: String { rawValue }
}
