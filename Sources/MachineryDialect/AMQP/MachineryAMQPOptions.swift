public import CeleriacWire

/// How Machinery's queues and exchange are declared at RabbitMQ. Everybody on one virtual host must agree on these.
public struct MachineryAMQPOptions: Sendable, Hashable {
    /// The exchange; empty for the default exchange, where none is declared and nothing is bound.
    public var exchange: String
    /// The exchange's type: `direct`, `topic`, `fanout` or another.
    public var exchangeType: String
    /// The routing key with which the default queue is bound.
    public var bindingKey: String
    /// How many messages a worker may hold unacknowledged; 0 is no limit.
    public var prefetchCount: Int
    /// Arguments of work queues, for instance `["x-max-priority": 10]`.
    public var queueDeclareArguments: WireObject
    /// Arguments of bindings.
    public var queueBindingArguments: WireObject
    /// Whether delay queues go with their last consumer.
    public var autoDelete: Bool
    /// A queue for all delayed tasks, each with an expiry of its own; empty for a queue for each delay.
    public var delayedQueue: String
    /// The queue of tasks that name none.
    public var defaultQueue: String
    /// Whether publishers declare the queue that Machinery's publishers declare on a direct exchange: one named after the
    /// routing key, even where workers consume another that is bound with the same key. It then gets a copy of every
    /// message, which nobody ever takes.
    public var declaresPublisherQueue: Bool
    /// Whether a worker's own queue is bound with ``bindingKey``, as Machinery binds it, so that it gets the default
    /// queue's tasks too; otherwise on a direct exchange with its own name.
    public var bindsOwnQueueWithBindingKey: Bool

    /// Makes options, by default those of Machinery's configuration loaders.
    public init(
        exchange: String = "machinery_exchange",
        exchangeType: String = "direct",
        bindingKey: String = "machinery_task",
        prefetchCount: Int = 3,
        queueDeclareArguments: WireObject = [:],
        queueBindingArguments: WireObject = [:],
        autoDelete: Bool = false,
        delayedQueue: String = "",
        defaultQueue: String = "machinery_tasks",
        declaresPublisherQueue: Bool = false,
        bindsOwnQueueWithBindingKey: Bool = false
    ) {
        self.exchange = exchange
        self.exchangeType = exchangeType
        self.bindingKey = bindingKey
        self.prefetchCount = prefetchCount
        self.queueDeclareArguments = queueDeclareArguments
        self.queueBindingArguments = queueBindingArguments
        self.autoDelete = autoDelete
        self.delayedQueue = delayedQueue
        self.defaultQueue = defaultQueue
        self.declaresPublisherQueue = declaresPublisherQueue
        self.bindsOwnQueueWithBindingKey = bindsOwnQueueWithBindingKey
    }

    /// Whether the exchange compares routing keys as they are.
    public var isDirect: Bool { exchangeType == "direct" }

    /// The routing key of tasks that name none.
    public var defaultRoutingKey: String { isDirect ? bindingKey : defaultQueue }
}
