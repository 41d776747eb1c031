#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacQueues
package import CeleriacWire

extension CeleryAMQPBroker: DelayingBroker {
    /// The levels of Celery's native delayed delivery, and those in which workers of ours have distant tasks wait.
    package func delayQueues() async throws -> [String] {
        var queues: [String] = []
        for level in NativeDelay.queues + LevelMessages.queues {
            let depth = try await client.depth(of: level, at: name)
            if depth > 0 { queues.append(level) }
        }
        return queues
    }

    /// Reads the end of the routing key, or the header in which our worker has noted the queue.
    package func destination(
        ofDelayed delivery: Delivery, among queues: [String]
    ) -> (queues: [String], message: WireMessage?) {
        guard case .success(let message) = delivery.content else { return ([], nil) }
        if LevelMessages.queues.contains(delivery.queue) {
            guard let origin = LevelMessages.origin(of: message) else { return ([], nil) }
            return ([origin.queue], origin.message)
        }
        let key = NativeDelay.withoutDelay(delivery.routingKey)
        var known = topology.queues.all
        for queue in queues where !known.contains(where: { $0.name == queue }) {
            known.append(topology.definition(of: queue))
        }
        let found = known.filter { queue in
            guard let binding = queue.bindings.first else { return false }
            // A direct exchange, or the queue's name, has the key itself.
            return binding.routingKey == key || queue.name == key
                || NativeDelay.reaches(queue)
                    && TopicPattern.matches(NativeDelay.pattern(of: binding.routingKey), delivery.routingKey)
        }
        return (found.map(\.name), message)
    }
}

extension CeleryAMQPTopology {
    /// The queues of all levels, also of those that a worker of ours makes.
    static let levels = Set(NativeDelay.queues + LevelMessages.queues)
}
#endif
