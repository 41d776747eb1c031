/// What is to be sent: a task, or tasks that belong together, with their arguments encoded, before a dialect makes
/// messages of them.
public indirect enum Submission: Sendable {
    /// One task.
    case task(TaskSubmission)
    /// One after another, each getting the result of the one before in front of its arguments.
    case chain([Submission], SubmissionOptions)
    /// Side by side.
    case group([Submission], SubmissionOptions)
    /// Side by side, and then a body that gets the list of their results.
    case chord([Submission], body: Submission, SubmissionOptions)
    /// A dialect's own form of any of these.
    case native(any Sendable)

    /// This with options under those of every task in it.
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

    /// This with other options and links; for a task those that are not set there.
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
