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

    static func missing(_ name: String) -> CeleriacError {
        CeleriacError(
            .configuration,
            "there is no queue '\(name)' in task_queues, and task_create_missing_queues is off")
    }
}

extension TaskQueue {
    /// The type that RabbitMQ gives the queue where it is declared; nil for the server's own choice.
    package var type: String? { arguments["x-queue-type"]?.stringValue }
}
