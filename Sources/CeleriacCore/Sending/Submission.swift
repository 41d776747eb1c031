package import CeleriacWire

/// A task to send, or several tasks that belong together, with encoded arguments. A dialect makes messages of it.
package indirect enum Submission: Sendable {
    /// One task.
    case task(TaskSubmission)
    /// Tasks that run one after another. Each gets the result of the one before in front of its arguments.
    case chain([Submission], SubmissionOptions)
    /// Tasks that run side by side.
    case group([Submission], SubmissionOptions)
    /// Tasks that run side by side, and then a body that gets the list of their results.
    case chord([Submission], body: Submission, SubmissionOptions)
    /// A dialect's own form of any of these.
    case native(any NativeSignature)

    /// Returns this submission, with `defaults` for the options that a task in it does not set.
    package func over(_ defaults: SendOptions) -> Submission {
        guard defaults != SendOptions() else { return self }
        switch self {
        case .task(var task):
            task.options = defaults.overridden(by: task.options)
            return .task(task)
        case .chain(let steps, let own): return .chain(steps.map { $0.over(defaults) }, own)
        case .group(let members, let own): return .group(members.map { $0.over(defaults) }, own)
        case .chord(let header, let body, let own):
            return .chord(header.map { $0.over(defaults) }, body: body.over(defaults), own)
        case .native: return self
        }
    }

    /// How often its messages are published again while the broker is out of reach; nil if nothing in it says so.
    var publishRetries: Int? {
        func first(_ own: SubmissionOptions, _ members: [Submission]) -> Int? {
            own.options.publishRetries ?? members.lazy.compactMap(\.publishRetries).first
        }
        return switch self {
        case .task(let task): task.options.publishRetries
        case .chain(let steps, let own): first(own, Array(steps.prefix(1)))
        case .group(let members, let own): first(own, members)
        case .chord(let header, _, let own): first(own, header)
        case .native: nil
        }
    }

    /// Returns this submission with more options, links and error links. The given options override its own.
    func with(options: SendOptions, links: [Submission], errorLinks: [Submission], isImmutable: Bool) -> Submission {
        func merged(_ own: SubmissionOptions) -> SubmissionOptions {
            SubmissionOptions(
                options: own.options.overridden(by: options), links: own.links + links,
                errorLinks: own.errorLinks + errorLinks, isImmutable: own.isImmutable || isImmutable)
        }
        switch self {
        case .task(var task):
            task.options = task.options.overridden(by: options)
            task.id = task.options.taskID ?? task.id
            task.links += links
            task.errorLinks += errorLinks
            task.isImmutable = task.isImmutable || isImmutable
            return .task(task)
        case .chain(let steps, let own): return .chain(steps, merged(own))
        case .group(let members, let own): return .group(members, merged(own))
        case .chord(let header, let body, let own): return .chord(header, body: body, merged(own))
        case .native:
            let own = merged(SubmissionOptions())
            return own.isPlain ? self : .chain([self], own)
        }
    }
}

/// A task to send: a signature's name, encoded arguments and options.
package struct TaskSubmission: Sendable {
    /// The task's id.
    package var id: String
    /// The task's name.
    package var name: String
    /// Positional arguments.
    package var arguments: [WireValue]
    /// Keyword arguments.
    package var keywordArguments: WireObject
    /// How the task is sent and run.
    package var options: SendOptions
    /// The callbacks that get the result.
    package var links: [Submission] = []
    /// The callbacks for when the task fails.
    package var errorLinks: [Submission] = []
    /// Whether the task ignores the result of what comes before it.
    package var isImmutable = false

    package init(
        id: String, name: String, arguments: [WireValue], keywordArguments: WireObject = [:],
        options: SendOptions = SendOptions()
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.keywordArguments = keywordArguments
        self.options = options
    }
}

/// Options for tasks that belong together.
package struct SubmissionOptions: Sendable {
    /// How they are sent and run.
    package var options: SendOptions
    /// The callbacks that get the result of the last task.
    package var links: [Submission]
    /// The callbacks for when one of the tasks fails.
    package var errorLinks: [Submission]
    /// Whether the first task ignores the result of what comes before it.
    package var isImmutable: Bool

    /// Makes options; by default there are none.
    package init(
        options: SendOptions = SendOptions(), links: [Submission] = [], errorLinks: [Submission] = [],
        isImmutable: Bool = false
    ) {
        self.options = options
        self.links = links
        self.errorLinks = errorLinks
        self.isImmutable = isImmutable
    }

    /// Whether no option is set.
    var isPlain: Bool { options == SendOptions() && links.isEmpty && errorLinks.isEmpty && !isImmutable }
}
