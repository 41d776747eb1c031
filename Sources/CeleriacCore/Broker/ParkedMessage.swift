public import CeleriacWire

public import struct FoundationEssentials.Date

/// A message that a worker could not run and kept aside, with the reason.
///
/// A worker parks a message that it cannot decode or whose task it does not know, rather than dropping it. Somebody
/// looks at it, then requeues or drops it: ``MessageBroker/parkedMessages(in:after:limit:)``,
/// ``MessageBroker/requeueParked(_:in:)``, ``MessageBroker/dropParked(_:in:)``.
public struct ParkedMessage: Sendable, Hashable, Identifiable {
    /// The name of the message at its broker. Only the broker that listed the message can interpret it.
    public var id: String
    /// The queue that the message was taken from.
    public var queue: String
    /// The message's bytes as they came from the broker; empty where they could not be read. At RabbitMQ these are the
    /// body alone: the rest is in ``content``.
    public var message: [UInt8]
    /// A short name of the kind of fault: ``MessageFault/reason``.
    public var reason: String
    /// What is wrong with the message: ``MessageFault/detail``.
    public var detail: String
    /// When it was parked; nil if the record does not say.
    public var time: Date?
    /// The node name of the worker that parked it.
    public var worker: String
    /// The id of its task; nil if the message does not say, or if a broker that knows no tasks listed it.
    public var taskID: String?
    /// The name of its task; nil like ``taskID``.
    public var task: String?
    /// Whether the worker had stored that the task has failed when it parked the message, so that a caller may know. It
    /// is false where the result store was out of reach: the worker stores the failure later, unless its process ends
    /// before. It is nil where nothing was to be stored, or if the record does not say.
    public var failureIsStored: Bool?
    /// The headers, the properties and the body, as far as the broker could read them; nil if it could not.
    public private(set) var content: WireMessage?

    /// Creates a parked message.
    public init(
        id: String = "", queue: String, message: [UInt8], reason: String, detail: String, time: Date?, worker: String,
        taskID: String? = nil, task: String? = nil, failureIsStored: Bool? = nil
    ) {
        self.id = id
        self.queue = queue
        self.message = message
        self.reason = reason
        self.detail = detail
        self.time = time
        self.worker = worker
        self.taskID = taskID
        self.task = task
        self.failureIsStored = failureIsStored
    }

    /// The same record without the message itself.
    package var withoutContent: ParkedMessage {
        var parked = reading(nil)
        parked.message = []
        return parked
    }

    /// The same record, with as much of the message as its broker could read.
    package func reading(_ content: WireMessage?) -> ParkedMessage {
        var parked = self
        parked.content = content
        return parked
    }
}
