public import CeleriacWire

public import struct FoundationEssentials.Date

/// How a task is sent and run. What is nil is left to the application's configuration.
public struct SendOptions: Sendable, Hashable {
    /// The task's id; a new UUID unless given. A result must not have two writers: never reuse one.
    public var taskID: String?
    /// Run it no earlier than this long from now. ``eta`` wins over it.
    public var countdown: Duration?
    /// Run it no earlier than this time.
    public var eta: Date?
    /// Do not run it after this time.
    public var expires: Date?
    /// Do not run it later than this long after it is sent. ``expires`` wins over it.
    public var expiresAfter: Duration?
    /// Priority as the broker understands it: on RabbitMQ the highest number is served first (0 to 255, and the queue
    /// must be declared with `x-max-priority`), on Redis the lowest (0 to 9).
    public var priority: UInt8?
    /// The queue.
    public var queue: String?
    /// Custom headers. They travel beside the dialect's own and cannot replace those.
    public var headers: WireObject
    /// Limits for the run.
    public var timeLimits: TimeLimits
    /// Whether the worker stores no result.
    public var ignoresResult: Bool?
    /// The form of the body.
    public var serializer: Serializer?
    /// The compression of the body.
    public var compression: Compression?

    /// Makes options; all are left open unless given.
    public init(
        taskID: String? = nil,
        countdown: Duration? = nil,
        eta: Date? = nil,
        expires: Date? = nil,
        expiresAfter: Duration? = nil,
        priority: UInt8? = nil,
        queue: String? = nil,
        headers: WireObject = [:],
        timeLimits: TimeLimits = TimeLimits(),
        ignoresResult: Bool? = nil,
        serializer: Serializer? = nil,
        compression: Compression? = nil
    ) {
        self.taskID = taskID
        self.countdown = countdown
        self.eta = eta
        self.expires = expires
        self.expiresAfter = expiresAfter
        self.priority = priority
        self.queue = queue
        self.headers = headers
        self.timeLimits = timeLimits
        self.ignoresResult = ignoresResult
        self.serializer = serializer
        self.compression = compression
    }

    /// The time after which it is not to be run, if it is sent now.
    package func expiry(now: Date) -> Date? {
        expires ?? expiresAfter.map { now.addingTimeInterval($0.seconds) }
    }

    /// These options, with those of `other` in place of what they set.
    public func overridden(by other: SendOptions) -> SendOptions {
        var merged = self
        merged.taskID = other.taskID ?? taskID
        merged.countdown = other.countdown ?? countdown
        merged.eta = other.eta ?? (other.countdown == nil ? eta : nil)
        merged.expires = other.expires ?? (other.expiresAfter == nil ? expires : nil)
        merged.expiresAfter = other.expiresAfter ?? expiresAfter
        merged.priority = other.priority ?? priority
        merged.queue = other.queue ?? queue
        for (name, value) in other.headers { merged.headers[name] = value }
        merged.timeLimits.soft = other.timeLimits.soft ?? timeLimits.soft
        merged.timeLimits.hard = other.timeLimits.hard ?? timeLimits.hard
        merged.ignoresResult = other.ignoresResult ?? ignoresResult
        merged.serializer = other.serializer ?? serializer
        merged.compression = other.compression ?? compression
        return merged
    }
}
