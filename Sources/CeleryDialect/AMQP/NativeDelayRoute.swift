#if AMQP
import CeleriacCore

/// The way of a task through the levels of ``NativeDelay``.
struct NativeDelayRoute: Equatable {
    /// The key with which the task would be sent at once, and by which it comes back.
    let key: String
    /// The queues that get it.
    let queues: [TaskQueue]

    /// The way of a message that would be sent to an exchange with a routing key, or to the queue of that name. Nil if
    /// it has to be sent at once, with its time in it.
    ///
    /// As in Celery, that depends on whether the application knows of any quorum queue. Unlike Celery's, it is nil if
    /// other queues of the application would get the message than if it were sent at once. What has passed the levels
    /// is compared by the end of its key alone, in the exchanges of all queues: a task for `eu.video` would also come
    /// to the queue whose key is `video`.
    init?(exchange: String, routingKey: String, in table: QueueTable) {
        guard table.hasQuorumQueue, let (key, wanted) = Self.target(exchange, routingKey, in: table),
            !wanted.isEmpty, wanted.allSatisfy({ NativeDelay.reaches($0) }),
            let whole = NativeDelay.routingKey(delay: NativeDelay.longest, key: key)
        else { return nil }
        let known = table.all
        let reached = known.filter { Self.reaches($0, by: whole, among: known) }
        guard Set(reached.map(\.name)) == Set(wanted.map(\.name)) else { return nil }
        self.key = key
        self.queues = wanted
    }

    /// The key of a message that is sent at once, and the queues that then get it.
    private static func target(
        _ exchange: String, _ routingKey: String, in table: QueueTable
    ) -> (key: String, queues: [TaskQueue])? {
        if exchange.isEmpty {
            guard let queue = table.queue(routingKey), let binding = queue.bindings.first else { return nil }
            return (binding.routingKey, [queue])
        }
        let key = NativeDelay.withoutDelay(routingKey)
        let type = table.type(ofExchange: exchange)
        return (key, table.all.filter { $0.isBound(to: exchange, of: type, by: key) })
    }

    /// Whether a queue gets what has passed the levels with a routing key.
    private static func reaches(_ queue: TaskQueue, by key: String, among known: [TaskQueue]) -> Bool {
        known.contains { other in
            guard returns(key, by: other), let exchange = other.bindings.first?.exchange else { return false }
            // The key opens the exchange for all queues that are bound to it.
            return queue.isBound(to: exchange.name, of: exchange.type, by: key)
                || queue.bindings.first?.exchange.name == exchange.name && returns(key, by: queue)
        }
    }

    /// Whether a routing key comes back by the bindings that a queue has for it.
    private static func returns(_ key: String, by queue: TaskQueue) -> Bool {
        guard NativeDelay.reaches(queue), let binding = queue.bindings.first else { return false }
        return TopicPattern.matches(NativeDelay.pattern(of: binding.routingKey), key)
    }
}

extension TaskQueue {
    /// Whether a message to an exchange comes to the queue by the bindings of its definition.
    fileprivate func isBound(to exchange: String, of type: String, by routingKey: String) -> Bool {
        bindings.contains { binding in
            guard binding.exchange.name == exchange else { return false }
            switch type {
            case "fanout": return true
            case "topic": return TopicPattern.matches(binding.routingKey, routingKey)
            default: return binding.routingKey == routingKey
            }
        }
    }
}
#endif
