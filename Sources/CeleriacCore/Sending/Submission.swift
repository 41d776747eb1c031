package import CeleriacWire

/// What is to be sent: a task, or tasks that belong together, with their arguments encoded, before a dialect makes
/// messages of them.
package indirect enum Submission: Sendable {
    /// One task.
    case task(TaskSubmission)
    /// One after another, each getting the result of the one before in front of its arguments.
    case chain([Submission], SubmissionOptions)
    /// Side by side.
    case group([Submission], SubmissionOptions)
    /// Side by side, and then a body that gets the list of their results.
    case chord([Submission], body: Submission, SubmissionOptions)
    /// A dialect's own form of any of these.
    case native(any NativeSignature)

    /// This, each task in it taking from `defaults` the options that it does not set.
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

    /// This with more options, links and error links, the options given winning over its own.
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
    /// What is called with the result.
    package var links: [Submission] = []
    /// What is called when the task fails.
    package var errorLinks: [Submission] = []
    /// Whether the task takes nothing from what comes before it.
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

/// What is said of tasks that belong together.
package struct SubmissionOptions: Sendable {
    /// How they are sent and run.
    package var options: SendOptions
    /// What is called with the result of the last.
    package var links: [Submission]
    /// What is called when one of them fails.
    package var errorLinks: [Submission]
    /// Whether the first takes nothing from what comes before.
    package var isImmutable: Bool

    /// Makes options; none unless given.
    package init(
        options: SendOptions = SendOptions(), links: [Submission] = [], errorLinks: [Submission] = [],
        isImmutable: Bool = false
    ) {
        self.options = options
        self.links = links
        self.errorLinks = errorLinks
        self.isImmutable = isImmutable
    }

    /// Whether nothing is said.
    var isPlain: Bool { options == SendOptions() && links.isEmpty && errorLinks.isEmpty && !isImmutable }
}
