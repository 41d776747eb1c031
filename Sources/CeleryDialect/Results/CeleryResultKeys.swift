/// Names under which Celery stores results: keys in Redis, files in a folder.
struct CeleryResultKeys: Sendable {
    /// Prepended to every key. Unlike the broker's prefix it is followed by `_` unless it ends in one of `: _ - .`.
    let prefix: String

    init(prefix: String = "") {
        if let last = prefix.last, !":_-.".contains(last) {
            self.prefix = prefix + "_"
        } else {
            self.prefix = prefix
        }
    }

    private var taskPrefix: String { prefix + "celery-task-meta-" }

    /// The key of a task's state.
    func task(_ id: String) -> String { taskPrefix + id }

    /// The key of a group's shape; those of a chord begin with it.
    func group(_ id: String) -> String { "\(prefix)celery-taskset-meta-\(id)" }

    /// Whether a key is one of those under which results, groups or chords are kept.
    func areResults(_ key: String) -> Bool {
        ["celery-task-meta-", "celery-taskset-meta-", "chord-unlock-"].contains { key.hasPrefix(prefix + $0) }
    }

    /// The id of the task whose state a key holds; nil for any other key.
    func taskID(ofKey key: String) -> String? {
        key.hasPrefix(taskPrefix) ? String(key.dropFirst(taskPrefix.count)) : nil
    }
}
