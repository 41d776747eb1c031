public import CeleriacWire

/// A task to send: a signature's name, encoded arguments and options, before a dialect makes a message of them.
public struct TaskSubmission: Sendable {
    /// The task's id.
    public var id: String
    /// The task's name.
    public var name: String
    /// Positional arguments.
    public var arguments: [WireValue]
    /// Keyword arguments.
    public var keywordArguments: WireObject
    /// How it is to be sent and run.
    public var options: SendOptions
    /// What is called with the result.
    public var links: [Submission] = []
    /// What is called when the task fails.
    public var errorLinks: [Submission] = []
    /// Whether the task takes nothing from what comes before it.
    public var isImmutable = false
    /// The queue on which the sender waits for results; empty when it waits elsewhere or not at all.
    public var replyTo: String

    /// Makes a submission.
    public init(
        id: String,
        name: String,
        arguments: [WireValue],
        keywordArguments: WireObject,
        options: SendOptions,
        replyTo: String
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.keywordArguments = keywordArguments
        self.options = options
        self.replyTo = replyTo
    }
}
