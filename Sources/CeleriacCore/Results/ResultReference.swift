import CeleriacWire

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

    /// What came of it by the final results of its tasks, as far as they are known.
    ///
    /// - Parameters:
    ///   - results: final results by the tasks' ids.
    ///   - preceding: the tasks whose failure keeps it from running, in their order.
    /// - Returns: the task's result; for a group the list of its members' values, or the first failure among them; nil while
    ///   that is not known.
    func result(in results: [String: TaskResult], after preceding: [String]) -> TaskResult? {
        if members == nil, let result = results[id] { return result }
        let failed = (preceding + lastTaskIDs).lazy.compactMap { results[$0] }.first(where: \.hasFailed)
        if let failed { return failed }
        guard members != nil, let value = value(in: results) else { return nil }
        return TaskResult(taskID: id, state: .success, value: value)
    }

    /// The value of a task, or the list of the values of a group's members; nil if one is missing.
    private func value(in results: [String: TaskResult]) -> WireValue? {
        guard let members else { return results[id]?.value }
        var values: [WireValue] = []
        for member in members {
            guard let value = member.value(in: results) else { return nil }
            values.append(value)
        }
        return .array(values)
    }
}
