/// A member of a group that has ended, and what follows once all have.
public struct GroupPart: Sendable {
    /// The group's id.
    public var groupID: String
    /// The member's id.
    public var taskID: String
    /// How many members the group has.
    public var size: Int
    /// The member's final state, encoded.
    public var payload: [UInt8]
    /// How long what is kept of the group is kept; nil for ever.
    public var expiry: Duration?
    /// What follows from the states of all members, in the order that the store knows; nil where nothing does.
    public var whenComplete: (@Sendable (_ states: [[UInt8]]) throws(CeleriacError) -> [Effect])?

    /// Makes a part.
    public init(
        groupID: String,
        taskID: String,
        size: Int,
        payload: [UInt8],
        expiry: Duration?,
        whenComplete: (@Sendable (_ states: [[UInt8]]) throws(CeleriacError) -> [Effect])?
    ) {
        self.groupID = groupID
        self.taskID = taskID
        self.size = size
        self.payload = payload
        self.expiry = expiry
        self.whenComplete = whenComplete
    }
}
