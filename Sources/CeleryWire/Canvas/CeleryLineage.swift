/// Where applied signatures come from, where their own options do not say.
public struct CeleryLineage: Sendable, Hashable {
    /// The first task of the workflow; nil where a workflow begins.
    public var rootID: String?
    /// The task that applies them.
    public var parentID: String?
    /// The queue of the sender's results.
    public var replyTo: String
    /// The sender's name.
    public var origin: String?

    /// Makes a lineage.
    public init(rootID: String? = nil, parentID: String? = nil, replyTo: String = "", origin: String? = nil) {
        self.rootID = rootID
        self.parentID = parentID
        self.replyTo = replyTo
        self.origin = origin
    }
}
