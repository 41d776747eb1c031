public import struct FoundationEssentials.Date

/// What a dialect may know when it makes a publication.
public struct PublicationContext: Sendable {
    /// The time.
    public var now: Date
    /// The queue on which the sender waits for results; empty when it waits elsewhere or not at all.
    public var replyTo: String
    /// The task that sends, if one does.
    public var parent: TaskRequest?
    /// The queue of tasks that name none.
    public var defaultQueue: String
    /// Queues by task name.
    public var routes: [String: String]
    /// Whether the result store counts the parts of chords itself.
    public var countsChords: Bool
    /// Whether results can be asked for after they were stored, as what looks after a chord does where none counts.
    public var keepsResults: Bool
    /// How long results are kept; nil for ever.
    public var resultExpiry: Duration?

    /// Makes a context.
    public init(
        now: Date, replyTo: String, parent: TaskRequest? = nil, defaultQueue: String, routes: [String: String],
        countsChords: Bool, keepsResults: Bool = true, resultExpiry: Duration?
    ) {
        self.now = now
        self.replyTo = replyTo
        self.parent = parent
        self.defaultQueue = defaultQueue
        self.routes = routes
        self.countsChords = countsChords
        self.keepsResults = keepsResults
        self.resultExpiry = resultExpiry
    }
}
