/// What a worker asks of a broker when it begins to consume.
public struct ConsumerOptions: Sendable {
    /// The queues, in the order of preference.
    public var queues: [String]
    /// How many messages the worker wants to hold unsettled at most.
    public var prefetch: Int
    /// The worker's node name, `name@host`.
    public var nodeName: String

    /// Makes options.
    public init(queues: [String], prefetch: Int, nodeName: String) {
        self.queues = queues
        self.prefetch = prefetch
        self.nodeName = nodeName
    }
}
