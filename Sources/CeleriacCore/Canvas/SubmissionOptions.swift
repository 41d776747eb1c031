/// What is said of tasks that belong together.
public struct SubmissionOptions: Sendable {
    /// How they are sent and run.
    public var options: SendOptions
    /// What is called with the result of the last.
    public var links: [Submission]
    /// What is called when one of them fails.
    public var errorLinks: [Submission]
    /// Whether the first takes nothing from what comes before.
    public var isImmutable: Bool

    /// Makes options; none unless given.
    public init(
        options: SendOptions = SendOptions(), links: [Submission] = [], errorLinks: [Submission] = [],
        isImmutable: Bool = false
    ) {
        self.options = options
        self.links = links
        self.errorLinks = errorLinks
        self.isImmutable = isImmutable
    }
}
