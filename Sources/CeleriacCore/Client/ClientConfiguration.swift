/// What a client does where a signature or a call does not say.
public struct ClientConfiguration: Sendable {
    /// The queue of tasks that name none.
    public var defaultQueue: String
    /// Options of every task, under those of its signature and of the call.
    public var defaultOptions: SendOptions
    /// Queues by task name; what is not in it goes to ``defaultQueue``.
    public var routes: [String: String]
    /// How long what is stored of unfinished chords, and of tasks before they are sent, is kept; nil for ever.
    public var resultExpiry: Duration?

    /// Makes a configuration.
    public init(
        defaultQueue: String, defaultOptions: SendOptions = SendOptions(), routes: [String: String] = [:],
        resultExpiry: Duration? = .seconds(86400)
    ) {
        self.resultExpiry = resultExpiry
        self.defaultQueue = defaultQueue
        self.defaultOptions = defaultOptions
        self.routes = routes
    }
}
