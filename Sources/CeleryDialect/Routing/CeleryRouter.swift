package import CeleriacCore
package import CeleryWire

/// Decides where a task's message goes, as Celery's `Router` and its task sender do together.
package struct CeleryRouter: Sendable {
    /// Where a message goes.
    package struct Destination: Sendable, Hashable {
        /// The exchange; empty for the default exchange, whose routing keys are queue names.
        package var exchange: String
        /// The routing key, or the queue's name.
        package var routingKey: String
        /// The queue that must exist before the message is sent.
        package var declaredQueue: String?
        /// Whether some queue must get the message.
        package var isMandatory = true
        /// The priority of tasks that have none.
        package var priority: UInt8?
        /// The delivery mode of tasks that have none.
        package var deliveryMode: UInt8?
        /// The compression of tasks that have none.
        package var compression: Compression?
        /// The type of the exchange to which the queue is bound, also if the message goes straight into the queue.
        package var exchangeType = "direct"
    }

    package let queues: QueueTable
    private let routes: TaskRoutes

    package init(queues: QueueTable = QueueTable(), routes: TaskRoutes = TaskRoutes()) {
        self.queues = queues
        self.routes = routes
    }

    /// Where a task goes.
    ///
    /// - Parameters:
    ///   - task: the name that the application routes by.
    ///   - asked: what the sender or the signature asks for; it goes before the application's route.
    /// - Returns: the exchange, the routing key and the queue that must exist.
    /// - Throws: ``CeleriacError`` with code `configuration` for a queue that does not exist and may not be made, and for
    ///   an exchange without a routing key.
    package func destination(of task: String, _ asked: CeleryRoute) throws(CeleriacError) -> Destination {
        let asked = normalized(asked)
        let route = routes.route(of: task)
        // As in Celery, also if the sender asks for another queue.
        if let name = route?.queue, queues.queue(name) == nil { throw QueueTable.missing(name) }
        var name = asked.queue ?? route?.queue
        // As in Celery, an application's route without a queue leads to its exchange.
        if name == nil, route == nil { name = queues.defaults.queue }
        let exchange = asked.exchange ?? route?.exchange
        let routingKey = asked.routingKey ?? route?.routingKey
        if name == nil, exchange == nil { name = queues.defaults.queue }
        let queue = try name.map { name throws(CeleriacError) in
            guard let queue = queues.queue(name) else { throw QueueTable.missing(name) }
            return queue
        }
        let first = queue?.bindings.first
        let type = asked.exchangeType ?? route?.exchangeType ?? first?.exchange.type ?? "direct"

        var destination = Destination(
            exchange: "", routingKey: queue?.name ?? "", declaredQueue: queue?.name, priority: route?.priority,
            deliveryMode: route?.deliveryMode, compression: route?.compression, exchangeType: type)
        if type == "direct", exchange == nil || routingKey == nil {
            guard let queue else {
                throw CeleriacError(
                    .configuration, "the route of \(task) has an exchange but neither a routing key nor a queue")
            }
            destination.routingKey = queue.name
            return destination
        }
        destination.exchange = exchange ?? first?.exchange.name ?? queues.defaults.defaultExchange.name
        // The key of a queue is a pattern where its exchange compares patterns, and is sent as it is, as in Celery.
        destination.routingKey =
            routingKey ?? (exchange == nil ? first?.routingKey ?? queues.defaults.defaultRoutingKey : "")
        // Nobody needs to listen to a fanout exchange; each of its listeners makes a queue of its own.
        if (exchange == nil ? type : queues.type(ofExchange: destination.exchange)) == "fanout" {
            destination.isMandatory = false
            if queue?.isAutoDeleted == true { destination.declaredQueue = nil }
        }
        return destination
    }

    /// Takes empty names for none, as Celery does, and the exchange of a queue that is bound to it by its own name for
    /// that queue, which then need not exist.
    private func normalized(_ route: CeleryRoute) -> CeleryRoute {
        func present(_ name: String?) -> String? { name?.isEmpty == true ? nil : name }
        var route = route
        route.queue = present(route.queue)
        route.exchange = present(route.exchange)
        route.exchangeType = present(route.exchangeType)
        route.routingKey = present(route.routingKey)
        guard route.queue == nil, let name = route.exchange, name == route.routingKey,
            queues.queue(name)?.bindings.first
                == TaskQueue.Binding(TaskQueue.Exchange(name), routingKey: name)
        else { return route }
        (route.queue, route.exchange, route.routingKey) = (name, nil, nil)
        return route
    }
}
