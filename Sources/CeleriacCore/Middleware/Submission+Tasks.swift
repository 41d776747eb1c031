import CeleriacWire

// What a middleware sees of submissions: their tasks, one after another.
extension Submission {
    /// The tasks of this submission in a fixed order: those of workflows within it, and callbacks, too.
    func sentTasks(parent: TaskRequest?) -> [SentTask] {
        switch self {
        case .task(let task):
            [SentTask(id: task.id, name: task.name, options: task.options, parent: parent)]
                + (task.links + task.errorLinks).flatMap { $0.sentTasks(parent: parent) }
        case .chain(let members, let own), .group(let members, let own):
            (members + own.links + own.errorLinks).flatMap { $0.sentTasks(parent: parent) }
        case .chord(let header, let body, let own):
            (header + [body] + own.links + own.errorLinks).flatMap { $0.sentTasks(parent: parent) }
        case .native(let native):
            native.nativeTasks.map {
                SentTask(id: $0.id, name: $0.name, options: SendOptions(headers: $0.headers), parent: parent)
            }
        }
    }

    /// Returns this submission with other options for its tasks.
    ///
    /// - Parameter tasks: the tasks in the order of ``sentTasks(parent:)``. Those of this submission are removed.
    /// - Returns: the submission.
    func taking(_ tasks: inout ArraySlice<SentTask>) -> Submission {
        switch self {
        case .task(var task):
            if let changed = tasks.popFirst() {
                let id = task.options.taskID
                task.options = changed.options
                task.options.taskID = id
            }
            task.links = task.links.taking(&tasks)
            task.errorLinks = task.errorLinks.taking(&tasks)
            return .task(task)
        case .chain(let steps, let own):
            let steps = steps.taking(&tasks)
            return .chain(steps, own.taking(&tasks))
        case .group(let members, let own):
            let members = members.taking(&tasks)
            return .group(members, own.taking(&tasks))
        case .chord(let header, let body, let own):
            let header = header.taking(&tasks)
            let body = body.taking(&tasks)
            return .chord(header, body: body, own.taking(&tasks))
        case .native(let native):
            let count = native.nativeTasks.count
            guard count > 0 else { return self }
            let headers = tasks.prefix(count).map(\.options.headers)
            tasks = tasks.dropFirst(count)
            return .native(native.with(headers: headers))
        }
    }
}

extension SubmissionOptions {
    fileprivate func taking(_ tasks: inout ArraySlice<SentTask>) -> SubmissionOptions {
        var options = self
        options.links = links.taking(&tasks)
        options.errorLinks = errorLinks.taking(&tasks)
        return options
    }
}

extension [Submission] {
    /// Returns these submissions with other options for their tasks.
    func taking(_ tasks: inout ArraySlice<SentTask>) -> [Submission] {
        var changed: [Submission] = []
        changed.reserveCapacity(count)
        for submission in self { changed.append(submission.taking(&tasks)) }
        return changed
    }
}
