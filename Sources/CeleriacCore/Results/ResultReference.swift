/// Names the result of a task or of a group, and what came before it.
///
/// The type belongs to Core and is the same for every dialect. Celery's wire format writes it as a `CeleryResultTuple`.
package struct ResultReference: Sendable, Hashable {
    /// The id of the task or of the group.
    package var id: String
    /// The members of a group; nil for a task.
    package var members: [ResultReference]?
    /// What came before it in a chain.
    package var parent: ResultReference? {
        get { parents.first }
        set { parents = newValue.map { [$0] } ?? [] }
    }
    /// The parent, if any. A struct can only contain itself in an array.
    private var parents: [ResultReference]

    /// The ids of all tasks in it.
    var taskIDs: [String] {
        (members.map { $0.flatMap(\.taskIDs) } ?? [id]) + (parent?.taskIDs ?? [])
    }

    /// The ids of its tasks without what came before them: the task itself, or the last task of each member.
    var lastTaskIDs: [String] { members.map { $0.flatMap(\.lastTaskIDs) } ?? [id] }

    /// Makes a reference.
    package init(id: String, parent: ResultReference? = nil, members: [ResultReference]? = nil) {
        self.id = id
        self.members = members
        self.parents = parent.map { [$0] } ?? []
    }
}
