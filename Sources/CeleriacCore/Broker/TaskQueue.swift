public import CeleriacWire

/// A queue that a worker consumes, and how it is declared where it does not exist.
///
/// A string literal is the queue of that name with everything else at its default. The transports of this package use
/// only the name, and declare queues as their dialect and their options say. The other properties are for transports
/// that route.
public struct TaskQueue: Sendable, Hashable, ExpressibleByStringLiteral {
    /// How a queue is bound to its exchange.
    public struct Binding: Sendable, Hashable {
        /// The routing key, or a pattern of routing keys where the exchange compares patterns.
        public var routingKey: String
        /// Arguments of the binding.
        public var arguments: WireObject

        /// Creates a binding.
        public init(routingKey: String, arguments: WireObject = [:]) {
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }

    /// The queue's name.
    public var name: String
    /// The exchange that the queue is bound to; empty for the default exchange, which routes by queue name.
    public var exchange: String
    /// The type of the exchange: `direct`, `topic`, `fanout` or another that the broker knows.
    public var exchangeType: String
    /// The bindings to the exchange.
    public var bindings: [Binding]
    /// Arguments of the queue, for instance `["x-max-priority": 10]`.
    public var arguments: WireObject

    /// Creates a queue.
    public init(
        _ name: String, exchange: String = "", exchangeType: String = "direct", bindings: [Binding] = [],
        arguments: WireObject = [:]
    ) {
        self.name = name
        self.exchange = exchange
        self.exchangeType = exchangeType
        self.bindings = bindings
        self.arguments = arguments
    }

    /// Creates the queue of this name.
    public init(stringLiteral name: String) { self.init(name) }
}
