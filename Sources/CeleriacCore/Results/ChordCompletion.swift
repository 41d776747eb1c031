/// All parts of a chord's header are there, and it is this worker's to go on, unless ``heldFor`` says otherwise.
public struct ChordCompletion: Sendable, Hashable {
    /// The right to go on.
    public var claim: ChordClaim
    /// The parts as they are stored, in the order of the header.
    public var parts: [[UInt8]]
    /// The shape of the results, where it was saved.
    public var group: [UInt8]?

    /// How long another worker has the right to go on, which may have died with it; the parts are not told then. Give the
    /// part again after it.
    public var heldFor: Duration?

    /// Makes a completion.
    public init(claim: ChordClaim, parts: [[UInt8]], group: [UInt8]?) {
        self.claim = claim
        self.parts = parts
        self.group = group
    }
}
