/// Names the result of a task or of a group, and what came before it.
///
/// Core's own, whatever the wire: Celery's wire product writes it as a `CeleryResultTuple`, and Core does not know Celery.
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
    /// None or one: a struct can hold itself in an array only.
    private var parents: [ResultReference]

    /// The ids of all tasks in it.
    var taskIDs: [String] {
        (members.map { $0.flatMap(\.taskIDs) } ?? [id]) + (parent?.taskIDs ?? [])
    }

    /// Makes a reference.
    package init(id: String, parent: ResultReference? = nil, members: [ResultReference]? = nil) {
        self.id = id
        self.members = members
        self.parents = parent.map { [$0] } ?? []
    }
}
