import CeleriacCore
public import MachineryWire

/// Tasks side by side.
public struct MachineryGroup: Sendable, Hashable {
    /// The group's id.
    public let groupUUID: String
    /// The tasks, each with an id and with what ties it to the group.
    public let tasks: [MachinerySignature]

    /// Makes a group. Ids are made where there are none.
    public init(_ tasks: [MachinerySignature]) {
        let groupUUID = "group_" + randomUUID()
        self.groupUUID = groupUUID
        self.tasks = tasks.map { task in
            var member = task.withID(prefix: "task_")
            member.groupUUID = groupUUID
            member.groupTaskCount = tasks.count
            return member
        }
    }
}
