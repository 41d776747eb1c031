public import CeleriacWire

/// A queue that a worker consumes, and how messages come into it.
///
/// A string literal is a queue of that name on the default exchange.
public struct TaskQueue: Sendable, Hashable, ExpressibleByStringLiteral {
    /// How an exchange knows which messages are for the queue.
    public struct Binding: Sendable, Hashable {
        /// The routing key, or a pattern of it.
        public var routingKey: String
        /// The arguments of the binding.
        public var arguments: WireObject

        /// Makes a binding.
        public init(routingKey: String, arguments: WireObject = [:]) {
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }

    /// The queue's name.
    public var name: String
    /// The exchange that it is bound to; empty for the default exchange.
    public var exchange: String
    /// The exchange's type, for instance `direct` or `topic`.
    public var exchangeType: String
    /// The bindings to the exchange.
    public var bindings: [Binding]
    /// The arguments with which the queue is declared.
    public var arguments: WireObject

    /// Makes a queue, by default on the default exchange.
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

    /// Makes a queue on the default exchange.
    public init(stringLiteral name: String) { self.init(name) }
}
