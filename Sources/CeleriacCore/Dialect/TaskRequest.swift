public import CeleriacWire

public import struct FoundationEssentials.Date

/// A task to run, as a worker received it. The type is the same for every dialect.
public struct TaskRequest: Sendable {
    /// The task's id; also the key of its result.
    public var id: String
    /// The name under which the task is registered.
    public var name: String
    /// Positional arguments.
    public var arguments: [WireValue]
    /// Keyword arguments.
    public var keywordArguments: WireObject
    /// The worker does not run it before this time.
    public var eta: Date?
    /// The worker does not run it after this time.
    public var expires: Date?
    /// How often it was retried before.
    public var retries: Int
    /// Limits that the sender asked for; they override the handler's own.
    public var timeLimits: TimeLimits
    /// The first task of the workflow that this one belongs to.
    public var rootID: String?
    /// The task that sent this one.
    public var parentID: String?
    /// The group of which it is a member.
    public var groupID: String?
    /// Whether the sender wants no result stored; nil leaves it to the handler's options.
    public var ignoresResult: Bool?
    /// The queue on which the sender waits for the result, if it waits on one.
    public var replyTo: String?
    /// What ties the result to this request; the task's id by convention.
    public var correlationID: String?
    /// The priority that the message carried.
    public var priority: UInt8?
    /// The marks that its sender put on it, by name; each is a value or a list of values. Remote control can revoke
    /// tasks by them.
    public var stamps: WireObject = [:]
    /// All headers of the message.
    public var headers: WireObject
    /// The queue that it came from.
    public var queue: String
    /// Whether the broker delivered it before.
    public var redelivered: Bool
    /// What is wrong with the arguments, if the dialect finds that out by itself. The task then fails with it, and the
    /// worker does not call the handler.
    public var refusal: TaskFailure?
    /// The dialect's own form of the message, from which it makes effects.
    package let message: any NativeMessage

    package init(
        id: String,
        name: String,
        arguments: [WireValue],
        keywordArguments: WireObject,
        headers: WireObject,
        queue: String,
        redelivered: Bool,
        message: any NativeMessage
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.keywordArguments = keywordArguments
        self.retries = 0
        self.timeLimits = TimeLimits()
        self.headers = headers
        self.queue = queue
        self.redelivered = redelivered
        self.message = message
    }
}
