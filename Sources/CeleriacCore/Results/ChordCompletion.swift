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

/// The right to publish the body of a chord: one worker has it.
public struct ChordClaim: Sendable, Hashable {
    /// The id of the header's group.
    public var groupID: String
    /// What proves the right.
    public var token: String

    /// Makes a claim.
    public init(groupID: String, token: String) {
        self.groupID = groupID
        self.token = token
    }
}
