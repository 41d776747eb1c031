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
