package import CeleriacCore
package import CeleriacWire
import NIOConcurrencyHelpers

/// The queues that an application knows: Celery's `app.amqp.queues`. Senders ask it where a name leads, transports how
/// its queue is declared.
package final class QueueTable: Sendable {
    /// How the table fills in what a definition leaves open, and what it makes of a name that it does not know.
    package struct Defaults: Sendable {
        /// `task_default_queue`.
        package var queue = "celery"
        /// `task_default_exchange` and its type; nil for a direct exchange with the default queue's name.
        package var exchange: TaskQueue.Exchange?
        /// `task_default_routing_key`; nil for the default queue's name.
        package var routingKey: String?
        /// Arguments of the default queue: `task_default_queue_type`; nil for those of unknown names.
        package var arguments: WireObject?
        /// Whether there is a queue for every name: `task_create_missing_queues`.
        package var createsMissing = true
        /// Arguments of the queues of unknown names: `task_create_missing_queue_type`.
        package var missingArguments: WireObject = [:]
        /// The type of their exchanges: `task_create_missing_queue_exchange_type`.
        package var missingExchangeType = "direct"
        /// `x-max-priority` of all queues that say nothing of it: `task_queue_max_priority`.
        package var maximumPriority: Int64?

        package init() {}

        /// The exchange of queues that are bound to none.
        package var defaultExchange: TaskQueue.Exchange { exchange ?? TaskQueue.Exchange(queue) }
        /// Their routing key.
        package var defaultRoutingKey: String { routingKey ?? queue }
    }

    private struct State {
        var queues: [String: TaskQueue] = [:]
        /// Names of queues by alias.
        var aliases: [String: String] = [:]
        /// Whether some queue can be bound at RabbitMQ alone.
        var needsRabbitMQ = false
    }

    package let defaults: Defaults
    private let state = NIOLockedValueBox(State())

    /// Creates a table.
    ///
    /// - Parameters:
    ///   - queues: `task_queues`; none for the default queue alone.
    ///   - defaults: what fills the gaps.
    package init(_ queues: [TaskQueue] = [], defaults: Defaults = Defaults()) {
        self.defaults = defaults
        if queues.isEmpty {
            let binding = TaskQueue.Binding(defaults.defaultExchange, routingKey: defaults.defaultRoutingKey)
            add(
                TaskQueue(
                    defaults.queue, bindings: [binding], arguments: defaults.arguments ?? defaults.missingArguments))
        }
        for queue in queues { add(queue) }
    }

    /// Defines a queue, also one of a name that is known.
    ///
    /// - Returns: the definition with its gaps filled.
    @discardableResult package func add(_ queue: TaskQueue) -> TaskQueue {
        var queue = queue
        if queue.bindings.isEmpty {
            let exchange = TaskQueue.Exchange(queue.name, type: defaults.missingExchangeType)
            queue.bindings = [TaskQueue.Binding(exchange, routingKey: queue.name)]
        }
        // As in Celery, also that of a fanout exchange: on Redis it is a part of the channel's name.
        if queue.bindings[0].routingKey.isEmpty { queue.bindings[0].routingKey = defaults.defaultRoutingKey }
        if let priority = defaults.maximumPriority, queue.arguments["x-max-priority"] == nil {
            queue.arguments["x-max-priority"] = .int(priority)
        }
        let added = queue
        state.withLockedValue { state in
            state.queues[added.name] = added
            if let alias = added.alias { state.aliases[alias] = added.name }
            if added.virtualRefusal != nil { state.needsRabbitMQ = true }
        }
        return added
    }

    /// The queue of a name or an alias; nil if there is none yet.
    package func known(_ name: String) -> TaskQueue? {
        state.withLockedValue { state in state.queues[state.aliases[name] ?? name] }
    }

    /// The queue of a name or an alias, which is made if the table may; nil if it may not.
    package func queue(_ name: String) -> TaskQueue? {
        let known = known(name)
        if known != nil || !defaults.createsMissing { return known }
        return add(TaskQueue(name, arguments: defaults.missingArguments))
    }

    /// A queue that a user has written: by its name alone it is the table's, else it is defined anew.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a name that the table may not make a queue of.
    package func resolve(_ queue: TaskQueue) throws(CeleriacError) -> TaskQueue {
        guard queue.isOnlyNamed else { return add(queue) }
        guard let known = self.queue(queue.name) else { throw Self.missing(queue.name) }
        return known
    }

    /// The queues that are defined, by name.
    package var names: [String] { state.withLockedValue { $0.queues.keys.sorted() } }

    /// The queues that are defined, in the order of their names.
    package var all: [TaskQueue] {
        state.withLockedValue { state in state.queues.values.sorted { $0.name < $1.name } }
    }

    /// Whether any queue is a quorum queue by its definition, which is how Celery, too, tells.
    package var hasQuorumQueue: Bool {
        state.withLockedValue { state in state.queues.values.contains { $0.type == "quorum" } }
    }

    /// The type of an exchange, as far as the table knows it.
    package func type(ofExchange name: String) -> String {
        if name == defaults.defaultExchange.name { return defaults.defaultExchange.type }
        let known = state.withLockedValue { state in
            state.queues.values.lazy.flatMap(\.bindings).first { $0.exchange.name == name }?.exchange.type
        }
        return known ?? "direct"
    }

    // MARK: Exchanges without RabbitMQ

    /// Whether some queue can be bound at RabbitMQ alone, so that messages elsewhere may have to be refused.
    var needsRabbitMQ: Bool { state.withLockedValue { $0.needsRabbitMQ } }

    /// Why a message cannot be sent where exchanges are kombu's tables of bindings; nil if it can.
    func virtualRefusal(of message: OutgoingMessage) -> CeleriacError? {
        if let refusal = message.declaredQueue.flatMap(known)?.virtualRefusal { return refusal }
        if message.exchange.isEmpty { return nil }
        return TaskQueue.Exchange(message.exchange, type: type(ofExchange: message.exchange)).virtualRefusal
    }

    /// Refuses to consume from queues that cannot be bound where exchanges are kombu's tables of bindings.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, also for a name that the table may not make a queue of.
    func checkVirtual(_ queues: [TaskQueue]) throws(CeleriacError) {
        for queue in queues {
            guard let refusal = try resolve(TaskQueue(queue.name)).virtualRefusal else { continue }
            throw CeleriacError(.configuration, "the queue \(queue.name) cannot be served: \(refusal.message)")
        }
    }

    static func missing(_ name: String) -> CeleriacError {
        CeleriacError(
            .configuration,
            "there is no queue '\(name)' in task_queues, and task_create_missing_queues is off")
    }
}

extension TaskQueue {
    /// The type that RabbitMQ gives the queue where it is declared; nil for the server's own choice.
    package var type: String? { arguments["x-queue-type"]?.stringValue }

    /// Why the queue cannot be bound where exchanges are kombu's tables of bindings; nil if it can.
    var virtualRefusal: CeleriacError? {
        isDeclared ? bindings.lazy.compactMap(\.exchange.virtualRefusal).first : nil
    }
}

extension TaskQueue.Exchange {
    /// Why kombu does not have the exchange on Redis and in folders, where Python ends with `KeyError: 'headers'`; nil if it
    /// does.
    fileprivate var virtualRefusal: CeleriacError? {
        if ["direct", "topic", "fanout"].contains(type) { return nil }
        return CeleriacError(
            .unsupported,
            "the exchange \(name) is of type \(type), which only RabbitMQ has: on Redis and in folders kombu has direct, topic "
                + "and fanout exchanges")
    }
}
