/// How Celery's queues are laid out in Redis. Everybody on one database must agree on these.
public struct CeleryRedisOptions: Sendable {
    /// Prepended to every key as it is: kombu's `global_keyprefix`.
    public var keyPrefix: String
    /// How long a message may be claimed without its claim being renewed before any worker may restore it: kombu's
    /// `visibility_timeout`, which must be the same at all workers of a database. A Celeriac worker renews its claims
    /// while it holds them, so that tasks may take longer than this.
    public var visibilityTimeout: Duration
    /// The priorities that have a list of their own: kombu's `priority_steps`.
    public var prioritySteps: [UInt8]
    /// What stands between a queue's name and its priority step: kombu's `sep`.
    public var separator: String

    /// Makes options, by default kombu's own.
    public init(
        keyPrefix: String = "",
        visibilityTimeout: Duration = .seconds(3600),
        prioritySteps: [UInt8] = [0, 3, 6, 9],
        separator: String = "\u{06}\u{16}"
    ) {
        self.keyPrefix = keyPrefix
        self.visibilityTimeout = visibilityTimeout
        self.prioritySteps = prioritySteps
        self.separator = separator
    }

    var keys: KombuKeys { KombuKeys(prefix: keyPrefix, separator: separator, prioritySteps: prioritySteps) }
}
