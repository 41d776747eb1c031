import CeleriacWire

/// Tasks one after the other. The results of each task are appended to the arguments of the next, unless the earlier
/// task is immutable.
public struct MachineryChain: Sendable, Hashable {
    /// The tasks, in order; each with an id.
    public private(set) var tasks: [MachinerySignature]

    /// Makes a chain. Tasks without an id get one. Each task's successor replaces what the task has in
    /// ``MachinerySignature/onSuccess``.
    public init(_ tasks: [MachinerySignature]) {
        self.tasks = tasks.map { $0.withID(prefix: "task_") }
    }

    /// Replaces the last task of the chain.
    package mutating func replaceLast(with task: MachinerySignature) {
        if !tasks.isEmpty { tasks[tasks.count - 1] = task }
    }

    /// Returns the chain with each task changed.
    package func mapped(_ change: (MachinerySignature) -> MachinerySignature) -> MachineryChain {
        MachineryChain(tasks.map(change))
    }

    /// The message to send: the first task, with the others inside; nil for an empty chain.
    package var nested: MachinerySignature? {
        var later: MachinerySignature?
        for var task in tasks.reversed() {
            if let next = later { task.onSuccess = [next] }
            later = task
        }
        return later
    }
}

/// Tasks that run in parallel.
public struct MachineryGroup: Sendable, Hashable {
    /// The group's id.
    public let groupUUID: String
    /// The tasks, each with an id, the group's id and the group's size.
    public let tasks: [MachinerySignature]

    /// Makes a group. Tasks without an id get one.
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

    private init(groupUUID: String, members: [MachinerySignature]) {
        self.groupUUID = groupUUID
        self.tasks = members
    }

    /// Returns the group with each task changed.
    package func mapped(_ change: (MachinerySignature) -> MachinerySignature) -> MachineryGroup {
        MachineryGroup(groupUUID: groupUUID, members: tasks.map(change))
    }
}

/// Tasks that run in parallel, and one that is sent, with their results, when all of them have succeeded.
public struct MachineryChord: Sendable, Hashable {
    /// The tasks, each of which carries the callback.
    public let group: MachineryGroup
    /// The task that follows.
    public let callback: MachinerySignature

    /// Makes a chord. The callback gets an id if it has none.
    public init(_ group: MachineryGroup, callback: MachinerySignature) {
        self.group = group
        self.callback = callback.withID(prefix: "chord_")
    }

    /// Returns the chord with each task changed, the callback last.
    package func mapped(_ change: (MachinerySignature) -> MachinerySignature) -> MachineryChord {
        let group = group.mapped(change)
        return MachineryChord(group, callback: change(callback))
    }

    /// The messages to send. The publisher gives the callback headers, as Machinery's publisher does.
    package var members: [MachinerySignature] {
        var callback = callback
        callback.headers = callback.headers ?? [:]
        return group.tasks.map { task in
            var member = task
            member.chordCallback = callback
            return member
        }
    }
}

extension MachinerySignature {
    /// Returns the signature, with a new id if it has none.
    package func withID(prefix: String) -> MachinerySignature {
        guard uuid.isEmpty else { return self }
        var copy = self
        copy.uuid = prefix + randomUUID()
        return copy
    }
}
