import CeleriacWire

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

    /// The queue in which a message waits for a time before it is dead-lettered to its routing key.
    ///
    /// - Parameter milliseconds: how long it waits, 1 or more.
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

    /// The queue in which a task's states, or the ends of a group's members, wait to be read.
    static func stateQueue(_ id: String, expiry: Int64) -> QueueDeclaration {
        QueueDeclaration(
            queue: id, durable: false, autoDelete: true,
            arguments: ["x-message-ttl": .int(expiry), "x-expires": .int(expiry)], bindingKey: id)
    }
}
