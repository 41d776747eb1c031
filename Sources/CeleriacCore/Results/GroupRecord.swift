/// A group to store, encoded by its dialect, before its members are sent.
public struct GroupRecord: Sendable, Hashable {
    /// The group's id.
    public var groupID: String
    /// The members' ids, in the group's order.
    public var taskIDs: [String]
    /// What is stored of the group.
    public var payload: [UInt8]
    /// How long it is kept; nil for ever.
    public var expiry: Duration?

    /// Makes a record.
    public init(groupID: String, taskIDs: [String], payload: [UInt8], expiry: Duration?) {
        self.groupID = groupID
        self.taskIDs = taskIDs
        self.payload = payload
        self.expiry = expiry
    }
}
