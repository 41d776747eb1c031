public import CeleriacWire

/// How Machinery's queues and exchange are declared at RabbitMQ. All clients and workers of a virtual host must agree
/// on these.
public struct MachineryAMQPOptions: Sendable, Hashable {
    /// The exchange; empty for the default exchange, which is not declared and has no bindings.
    public var exchange: String
    /// The exchange's type: `direct`, `topic`, `fanout` or another.
    public var exchangeType: String
    /// The routing key with which the default queue is bound.
    public var bindingKey: String
    /// How many messages a worker may hold unacknowledged; 0 for no limit.
    public var prefetchCount: Int
    /// Arguments of work queues, for instance `["x-max-priority": 10]`.
    public var queueDeclareArguments: WireObject
    /// Arguments of bindings.
    public var queueBindingArguments: WireObject
    /// Whether delay queues are deleted with their last consumer.
    public var autoDelete: Bool
    /// One queue for all delayed tasks, each with its own expiry; empty for a queue for each delay.
    public var delayedQueue: String
    /// The queue of tasks that name none.
    public var defaultQueue: String
    /// Whether publishers declare the queue that Machinery's publishers declare on a direct exchange: one named after
    /// the routing key, even if workers consume another queue that is bound with the same key. It then gets a copy of
    /// every message, which no worker ever takes.
    public var declaresPublisherQueue: Bool
    /// Whether a worker's own queue is bound with ``bindingKey``, as Machinery binds it, so that it gets the default
    /// queue's tasks too. Otherwise it is bound with its own name on a direct exchange.
    public var bindsOwnQueueWithBindingKey: Bool
    /// How far away the ETA of a task may be for a worker to hold its message, as other clients may send it: in
    /// settings `maximum_eta_hold`, in seconds. RabbitMQ keeps the others in queues of ours, named `celeriac.delay.…`,
    /// until shortly before. Nil, or zero, holds all messages: RabbitMQ then closes the channel once one has waited for
    /// its `consumer_timeout`, 30 minutes by default.
    public var maximumETAHold: Duration? = .seconds(600)

    /// Creates options, with the defaults of Machinery's configuration loaders.
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

/// A queue as it is declared and bound.
struct QueueDeclaration: Sendable, Hashable {
    var queue: String
    var durable = true
    var autoDelete = false
    var arguments: WireObject = [:]
    var bindingKey: String
    var bindingArguments: WireObject = [:]
}

extension MachineryAMQPOptions {
    /// The queue of a worker.
    func workQueue(_ queue: String) -> QueueDeclaration {
        let usesBindingKey = queue == defaultQueue || bindsOwnQueueWithBindingKey || !isDirect
        return QueueDeclaration(
            queue: queue, arguments: queueDeclareArguments, bindingKey: usesBindingKey ? bindingKey : queue,
            bindingArguments: queueBindingArguments)
    }

    /// The queues that must exist before a message with this routing key is published, so that it waits there for a
    /// worker that has not started yet.
    func publisherQueues(routingKey: String) -> [QueueDeclaration] {
        guard isDirect, routingKey != bindingKey else {
            let consumed = workQueue(defaultQueue)
            guard isDirect, declaresPublisherQueue, routingKey != defaultQueue else { return [consumed] }
            return [consumed, publisherQueue(routingKey)]
        }
        return [publisherQueue(routingKey)]
    }

    private func publisherQueue(_ routingKey: String) -> QueueDeclaration {
        QueueDeclaration(
            queue: routingKey, arguments: queueDeclareArguments, bindingKey: routingKey,
            bindingArguments: queueBindingArguments)
    }

    /// The exchange that takes messages to one queue by its name: to delay queues, and to those of states. That is
    /// Machinery's, to which these queues are bound with their names. An exchange that would give such messages to the
    /// workers too, because it does not compare routing keys or compares them with a pattern, is passed over by the
    /// default exchange.
    var exchangeOfNamedQueues: String {
        let comparesKeys = isDirect || exchangeType == "topic" && !bindingKey.contains { $0 == "#" || $0 == "*" }
        return comparesKeys ? exchange : ""
    }

    /// The queue in which a message waits 1 or more milliseconds before it is dead-lettered to its routing key.
    func delayQueue(routingKey: String, milliseconds: Int64) -> (queue: QueueDeclaration, expiration: String?) {
        var arguments: WireObject = [
            "x-dead-letter-exchange": .string(exchange), "x-dead-letter-routing-key": .string(routingKey),
        ]
        guard delayedQueue.isEmpty else {
            let queue = QueueDeclaration(
                queue: delayedQueue, autoDelete: autoDelete, arguments: arguments, bindingKey: delayedQueue,
                bindingArguments: queueBindingArguments)
            return (queue, String(milliseconds))
        }
        arguments["x-message-ttl"] = .int(milliseconds)
        arguments["x-expires"] = .int(milliseconds.multipliedReportingOverflow(by: 2).partialValue)
        let name = "delay.\(milliseconds).\(exchange).\(routingKey)"
        let queue = QueueDeclaration(
            queue: name, autoDelete: autoDelete, arguments: arguments, bindingKey: name,
            bindingArguments: queueBindingArguments)
        return (queue, nil)
    }

    /// The queue in which a task's states, or the ends of a group's members, wait to be read. Machinery's are not durable.
    static func stateQueue(_ id: String, expiry: Int64, durable: Bool = false) -> QueueDeclaration {
        QueueDeclaration(
            queue: id, durable: durable, autoDelete: true,
            arguments: ["x-message-ttl": .int(expiry), "x-expires": .int(expiry)], bindingKey: id)
    }
}
