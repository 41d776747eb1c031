public import CeleriacWire

/// How Celery's queues are declared at RabbitMQ if they do not exist yet, and how long a worker holds messages. An
/// existing queue is used as it is.
public struct CeleryAMQPOptions: Sendable {
    /// Arguments of queues by name, for instance `["math": ["x-max-priority": 10]]`.
    public var queueArguments: [String: WireObject]
    /// Arguments of queues that ``queueArguments`` does not name.
    public var defaultQueueArguments: WireObject
    /// How far away the ETA of a task may be for a worker to hold its message: `maximum_eta_hold` of
    /// `broker_transport_options`, in seconds. RabbitMQ keeps the others in queues of ours, named `celeriac.delay.…`,
    /// until shortly before, and `inspect scheduled` does not show them meanwhile. Nil, or zero, holds all messages:
    /// RabbitMQ then closes the channel once one has waited for its `consumer_timeout`, 30 minutes by default.
    public var maximumETAHold: Duration? = .seconds(600)

    /// Creates options.
    public init(queueArguments: [String: WireObject] = [:], defaultQueueArguments: WireObject = [:]) {
        self.queueArguments = queueArguments
        self.defaultQueueArguments = defaultQueueArguments
    }

    func arguments(of queue: String) -> WireObject { queueArguments[queue] ?? defaultQueueArguments }

    /// Whether one of these queues is declared as a quorum queue. Quorum queues do not support a prefetch limit for a
    /// whole channel.
    func hasQuorumQueue(_ queues: [String]) -> Bool {
        queues.contains { arguments(of: $0)["x-queue-type"] == .string("quorum") }
    }
}
