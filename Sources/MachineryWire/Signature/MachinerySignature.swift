public import CeleriacWire

/// A task of Machinery as it stands on the wire: the message, which is also how workflows carry the tasks to come.
///
/// `nil` and empty lists differ on the wire (`null` and `[]`) and are kept apart.
public struct MachinerySignature: Sendable, Hashable {
    /// The task's id, also the key of its state.
    public var uuid: String
    /// The name under which the task is registered.
    public var name: String
    /// The queue (Redis) or routing key (AMQP); the publisher fills it in where it is empty.
    public var routingKey: String
    /// Not to be delivered before this time.
    public var eta: GoTime?
    /// The group that it is a member of.
    public var groupUUID: String
    /// How many members that group has.
    public var groupTaskCount: Int
    /// The arguments, by position.
    public var args: [MachineryArgument]?
    /// Headers: tracing, and what the sender adds.
    public var headers: WireObject?
    /// AMQP's priority; 0 is none.
    public var priority: UInt8
    /// Whether this task's results are kept from its ``onSuccess`` tasks; on a chord's callback, whether the group's
    /// results are kept from it.
    public var immutable: Bool
    /// How many automatic retries are left.
    public var retryCount: Int
    /// The last pause before a retry, in seconds.
    public var retryTimeout: Int
    /// What is sent when the task succeeded.
    public var onSuccess: [MachinerySignature]?
    /// What is sent when the task failed.
    public var onError: [MachinerySignature]?
    /// What is sent when all tasks of the group succeeded.
    public var chordCallback: MachinerySignature? {
        get { chordCallbackBox.first }
        set { chordCallbackBox = newValue.map { [$0] } ?? [] }
    }
    /// The message group of SQS.
    public var brokerMessageGroupID: String
    /// The receipt of SQS.
    public var sqsReceiptHandle: String
    /// Whether SQS keeps the message when the task failed.
    public var stopTaskDeletionOnError: Bool
    /// Whether a worker that does not know the task drops it.
    public var ignoreWhenTaskNotRegistered: Bool
    /// One element or none: a struct cannot hold itself.
    private var chordCallbackBox: [MachinerySignature] = []

    /// Makes a signature; all fields that are not given have Go's zero values.
    public init(uuid: String = "", name: String, args: [MachineryArgument]? = nil) {
        self.uuid = uuid
        self.name = name
        self.routingKey = ""
        self.groupUUID = ""
        self.groupTaskCount = 0
        self.args = args
        self.priority = 0
        self.immutable = false
        self.retryCount = 0
        self.retryTimeout = 0
        self.brokerMessageGroupID = ""
        self.sqsReceiptHandle = ""
        self.stopTaskDeletionOnError = false
        self.ignoreWhenTaskNotRegistered = false
    }
}

extension MachinerySignature {
    /// Refuses, here and in all signatures inside, what would stop or kill a Go worker, or be changed by it silently: an
    /// unknown argument type, a value of another type, a number that does not fit, a header that is not text, a boolean
    /// or null.
    ///
    /// - Throws: ``MachineryWireError``: `unsupportedType`, `valueMismatch`, `valueOutOfRange`, `nonFinite`,
    ///   `unsupportedHeader`, `tooDeep`.
    public func validate() throws(MachineryWireError) { try validate(depth: 1) }

    private func validate(depth: Int) throws(MachineryWireError) {
        guard depth <= Self.maximumDepth else {
            throw MachineryWireError(.tooDeep, "the workflow is nested deeper than \(Self.maximumDepth) levels")
        }
        for argument in args ?? [] { try argument.validate() }
        for (name, value) in headers ?? [:] {
            switch value {
            case .string, .bool, .null: continue
            default:
                throw MachineryWireError(
                    .unsupportedHeader, "the header \(name) is not text: a Go worker could not send it on")
            }
        }
        for signature in onSuccess ?? [] { try signature.validate(depth: depth + 2) }
        for signature in onError ?? [] { try signature.validate(depth: depth + 2) }
        try chordCallback?.validate(depth: depth + 1)
    }
}
