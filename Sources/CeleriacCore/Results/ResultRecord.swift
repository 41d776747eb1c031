/// A state to store, encoded by its dialect.
public struct ResultRecord: Sendable, Hashable {
    /// The task's id, under which it is stored.
    public var taskID: String
    /// The state.
    public var state: TaskState
    /// The encoded state, exactly as it is stored.
    public var payload: [UInt8]
    /// MIME type of the payload.
    public var contentType: String
    /// Encoding of the payload.
    public var contentEncoding: String
    /// The queue on which the sender waits, for stores that answer there; empty if it does not wait on a queue.
    public var replyTo: String
    /// What ties the answer to the request.
    public var correlationID: String
    /// How long the state is kept; nil for ever.
    public var expiry: Duration?

    /// Makes a record.
    public init(
        taskID: String,
        state: TaskState,
        payload: [UInt8],
        contentType: String = "application/json",
        contentEncoding: String = "utf-8",
        replyTo: String = "",
        correlationID: String? = nil,
        expiry: Duration? = nil
    ) {
        self.taskID = taskID
        self.state = state
        self.payload = payload
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.replyTo = replyTo
        self.correlationID = correlationID ?? taskID
        self.expiry = expiry
    }
}
