/// All parts of a chord's header are there, and it is this worker's to go on.
public struct ChordCompletion: Sendable, Hashable {
    /// The right to go on.
    public var claim: ChordClaim
    /// The parts as they are stored, in the order of the header.
    public var parts: [[UInt8]]
    /// The shape of the results, where it was saved.
    public var group: [UInt8]?

    /// Makes a completion.
    public init(claim: ChordClaim, parts: [[UInt8]], group: [UInt8]?) {
        self.claim = claim
        self.parts = parts
        self.group = group
    }
}
