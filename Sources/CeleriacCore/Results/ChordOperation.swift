/// A step on the way of a chord: from its header's first message to its body's.
public enum ChordOperation: Sendable {
    /// A header of that many parts is about to be published.
    case open(groupID: String, size: Int)
    /// The header has one part more.
    case extend(groupID: String)
    /// The shape of the header's results.
    case save(groupID: String, payload: [UInt8], expiry: Duration?)
    /// A part has ended.
    case add(ChordPart)
    /// What followed from the completion is done: a body is published, or its failure is stored.
    case close(ChordClaim, succeeded: Bool)
}
