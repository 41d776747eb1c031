public import CeleriacWire

/// A task of Machinery on the wire: a message, or a later task within the message of a workflow.
///
/// `nil` and an empty list differ, because on the wire they are `null` and `[]`.
public struct MachinerySignature: Sendable, Hashable {
    /// The task's id, which is also the key of its state.
    public var uuid: String
    /// The registered name of the task.
    public var name: String
    /// The queue (Redis) or routing key (AMQP). If it is empty, the publisher sets it.
    public var routingKey: String
    /// The time before which the task must not be delivered.
    public var eta: GoTime?
    /// The id of the group that the task belongs to.
    public var groupUUID: String
    /// The number of members of that group.
    public var groupTaskCount: Int
    /// The positional arguments.
    public var args: [MachineryArgument]?
    /// Headers for tracing, and any that the sender adds.
    public var headers: WireObject?
    /// AMQP's priority; 0 means none.
    public var priority: UInt8
    /// Whether the ``onSuccess`` tasks do not get this task's results. In the callback of a chord, whether it does not
    /// get the results of the group.
    public var immutable: Bool
    /// The number of automatic retries that are left.
    public var retryCount: Int
    /// The last delay before a retry, in seconds.
    public var retryTimeout: Int
    /// The tasks to send when the task has succeeded.
    public var onSuccess: [MachinerySignature]?
    /// The tasks to send when the task has failed.
    public var onError: [MachinerySignature]?
    /// The task to send when all tasks of the group have succeeded.
    public var chordCallback: MachinerySignature? {
        get { chordCallbackBox.first }
        set { chordCallbackBox = newValue.map { [$0] } ?? [] }
    }
    /// The message group in SQS.
    public var brokerMessageGroupID: String
    /// The receipt handle in SQS.
    public var sqsReceiptHandle: String
    /// Whether SQS keeps the message if the task fails.
    public var stopTaskDeletionOnError: Bool
    /// Whether a worker drops the message if it does not know the task.
    public var ignoreWhenTaskNotRegistered: Bool
    /// No callback or one. It is an array because a struct cannot contain itself.
    private var chordCallbackBox: [MachinerySignature] = []

    /// Creates a signature. All other fields have Go's zero values.
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
    /// Checks this signature and all signatures within it for what would make a Go worker fail or crash, or what it
    /// would silently change: an unknown argument type, a value of another type, a number that does not fit, or a
    /// header that is not text, a boolean or null.
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
                    .unsupportedHeader, "the header \(name) is not text, so a Go worker could not pass it on")
            }
        }
        for signature in onSuccess ?? [] { try signature.validate(depth: depth + 2) }
        for signature in onError ?? [] { try signature.validate(depth: depth + 2) }
        try chordCallback?.validate(depth: depth + 1)
    }
}
