import CeleriacCore
public import MachineryWire

/// Tasks one after the other: the results of each are appended to the arguments of the next, unless it is immutable.
public struct MachineryChain: Sendable, Hashable {
    /// The tasks, in order; each with an id.
    public private(set) var tasks: [MachinerySignature]

    /// Makes a chain. Ids are made where there are none. What a task has as ``MachinerySignature/onSuccess`` is replaced
    /// by the next task.
    public init(_ tasks: [MachinerySignature]) {
        self.tasks = tasks.map { $0.withID(prefix: "task_") }
    }

    /// The chain with its last task replaced.
    mutating func replaceLast(with task: MachinerySignature) {
        if !tasks.isEmpty { tasks[tasks.count - 1] = task }
    }

    /// The chain with each task changed.
    func mapped(_ change: (MachinerySignature) -> MachinerySignature) -> MachineryChain {
        MachineryChain(tasks.map(change))
    }

    /// The message that is sent: the first task, with the others inside.
    var nested: MachinerySignature? {
        var later: MachinerySignature?
        for var task in tasks.reversed() {
            if let next = later { task.onSuccess = [next] }
            later = task
        }
        return later
    }
}

extension MachinerySignature {
    func withID(prefix: String) -> MachinerySignature {
        guard uuid.isEmpty else { return self }
        var copy = self
        copy.uuid = prefix + randomUUID()
        return copy
    }
}
