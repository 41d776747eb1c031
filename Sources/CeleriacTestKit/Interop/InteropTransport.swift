/// The task system whose messages the peers of an interop file exchange.
package enum InteropDialect: String, Sendable, Hashable, CaseIterable {
    /// Python Celery's.
    case celery
    /// Go Machinery's.
    case machinery
}

/// A broker over which an interop file's peers exchange messages.
package enum InteropBroker: String, Sendable, Hashable, CaseIterable {
    case redis, rabbitmq
    /// Celery's `filesystem://`.
    case folder
}

/// A result store of an interop file's peers.
package enum InteropStore: String, Sendable, Hashable, CaseIterable {
    case redis
    /// Celery's `rpc://`: results over RabbitMQ to whoever sent the task.
    case rpc
    /// Machinery's results in RabbitMQ.
    case rabbitmq
    /// Celery's `file://`.
    case folder
}

/// A broker with a result store.
package struct InteropTransport: Sendable, Hashable, CustomStringConvertible {
    /// The broker.
    package let broker: InteropBroker
    /// The result store.
    package let store: InteropStore

    /// Makes a transport.
    package init(broker: InteropBroker, store: InteropStore) {
        self.broker = broker
        self.store = store
    }

    /// The names of both.
    package var description: String { "\(broker.rawValue) + \(store.rawValue)" }

    /// Why a dialect has no such transport at all; nil if it has.
    package func absence(in dialect: InteropDialect) -> String? {
        switch (dialect, broker, store) {
        case (.celery, .redis, .rpc), (.celery, .folder, .rpc): "rpc results travel over RabbitMQ as the broker"
        case (.celery, _, .rabbitmq): "Celery's results in RabbitMQ are rpc"
        case (.machinery, .folder, _), (.machinery, _, .folder): "Machinery has no transport over a folder"
        case (.machinery, _, .rpc): "Machinery's results in RabbitMQ are rabbitmq"
        default: nil
        }
    }

    /// Why a shape does not exist on the transport; nil if it does.
    package func lacks(_ shape: InteropShape, in dialect: InteropDialect) -> String? {
        switch (dialect, shape) {
        case (.celery, .chord) where store == .rpc: "rpc results hold no chords"
        case (.machinery, .keyword): "Machinery has positional arguments only"
        default: nil
        }
    }

    /// Why this build of Celeriac cannot take part itself; nil if it can. Peers that are programs of their own may still.
    package var absenceHere: String? {
        #if !Redis
        if broker == .redis || store == .redis { return "this build lacks the trait Redis" }
        #endif
        #if !AMQP
        if broker == .rabbitmq || store == .rabbitmq { return "this build lacks the trait AMQP" }
        #endif
        return nil
    }
}

/// What a case tries.
package enum InteropShape: String, Sendable, Hashable, CaseIterable {
    /// Positional arguments.
    case plain
    /// Keyword arguments.
    case keyword
    /// Values of every type.
    case types
    /// A task that fails.
    case failure
    /// A task that is retried.
    case retry
    /// A task that waits for its time.
    case eta
    /// Tasks one after another.
    case chain
    /// Tasks side by side.
    case group
    /// Tasks side by side, and one after them.
    case chord
}
