public import CeleriacWire

/// How Celery's queues are declared at RabbitMQ if they do not exist yet, and how long a worker holds messages. An
/// existing queue is used as it is.
public struct CeleryAMQPOptions: Sendable {
    /// Arguments of queues that the application does not define, for instance `["x-queue-type": "quorum"]`.
    public var defaultQueueArguments: WireObject
    /// How far away the ETA of a task may be for a worker to hold its message: `maximum_eta_hold` of
    /// `broker_transport_options`, in seconds. RabbitMQ keeps the others in queues of ours, named `celeriac.delay.…`,
    /// until shortly before, and `inspect scheduled` does not show them meanwhile. Nil, or zero, holds all messages:
    /// RabbitMQ then closes the channel once one has waited for its `consumer_timeout`, 30 minutes by default.
    ///
    /// Tasks for quorum queues behind topic and fanout exchanges wait in Celery's own queues from the beginning.
    public var maximumETAHold: Duration? = .seconds(600)

    /// What the queues are that keep tasks for quorum queues until their times.
    package enum DelayQueueType: String, Sendable {
        case classic, quorum
    }

    /// `broker_native_delayed_delivery_queue_type`.
    package var delayQueueType = DelayQueueType.quorum

    /// What settings say of the connections.
    package var connections = CeleryAMQPConnections()

    /// Creates options.
    public init(defaultQueueArguments: WireObject = [:]) { self.defaultQueueArguments = defaultQueueArguments }
}
