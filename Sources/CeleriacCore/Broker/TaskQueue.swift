public import CeleriacWire

/// A queue that tasks go to and workers consume, and how it is declared where it does not exist.
///
/// A string literal is the queue of that name with everything else as the application's configuration says: the queue
/// that it defines under that name, else one with an exchange and a routing key of the same name.
public struct TaskQueue: Sendable, Hashable, ExpressibleByStringLiteral {
    /// An exchange.
    public struct Exchange: Sendable, Hashable, ExpressibleByStringLiteral {
        /// The exchange's name.
        public var name: String
        /// How it routes: `direct`, `topic`, `fanout` or `headers`, or another type that the broker knows.
        public var type: String
        /// Whether it outlives a restart of the broker.
        public var isDurable: Bool
        /// Whether the broker deletes it with its last binding.
        public var isAutoDeleted: Bool
        /// Arguments of the exchange.
        public var arguments: WireObject

        /// Creates an exchange.
        public init(
            _ name: String, type: String = "direct", isDurable: Bool = true, isAutoDeleted: Bool = false,
            arguments: WireObject = [:]
        ) {
            self.name = name
            self.type = type
            self.isDurable = isDurable
            self.isAutoDeleted = isAutoDeleted
            self.arguments = arguments
        }

        /// Creates the direct exchange of this name.
        public init(stringLiteral name: String) { self.init(name) }
    }

    /// How a queue is bound to an exchange.
    public struct Binding: Sendable, Hashable {
        /// The exchange.
        public var exchange: Exchange
        /// The routing key, or a pattern of routing keys where the exchange compares patterns.
        public var routingKey: String
        /// Arguments of the binding, which exchanges of type `headers` compare.
        public var arguments: WireObject

        /// Creates a binding.
        public init(_ exchange: Exchange, routingKey: String = "", arguments: WireObject = [:]) {
            self.exchange = exchange
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }

    /// The queue's name.
    public var name: String
    /// Another name under which tasks are sent to it.
    public var alias: String?
    /// The bindings. Tasks that are sent to the queue by its name go through the first one if its exchange is not
    /// direct, else straight into the queue.
    public var bindings: [Binding]
    /// Arguments of the queue, for instance `["x-max-priority": 10]`.
    public var arguments: WireObject
    /// Whether it outlives a restart of the broker.
    public var isDurable: Bool
    /// Whether only the connection that declares it may use it.
    public var isExclusive: Bool
    /// Whether the broker deletes it with its last consumer.
    public var isAutoDeleted: Bool
    /// Whether clients and workers declare it and bind it; false for a queue that somebody else looks after.
    public var isDeclared: Bool
    /// Arguments of its consumers, for instance `["x-priority": 5]`.
    public var consumerArguments: WireObject

    /// Creates a queue.
    public init(
        _ name: String, alias: String? = nil, bindings: [Binding] = [], arguments: WireObject = [:],
        isDurable: Bool = true, isExclusive: Bool = false, isAutoDeleted: Bool = false,
        isDeclared: Bool = true, consumerArguments: WireObject = [:]
    ) {
        self.name = name
        self.alias = alias
        self.bindings = bindings
        self.arguments = arguments
        self.isDurable = isDurable
        self.isExclusive = isExclusive
        self.isAutoDeleted = isAutoDeleted || isExclusive
        self.isDeclared = isDeclared
        self.consumerArguments = consumerArguments
    }

    /// Creates a queue with one binding.
    ///
    /// - Parameters:
    ///   - name: the queue's name.
    ///   - exchange: the exchange.
    ///   - routingKey: the routing key, or the pattern of routing keys.
    ///   - arguments: arguments of the queue.
    public init(_ name: String, exchange: Exchange, routingKey: String, arguments: WireObject = [:]) {
        self.init(name, bindings: [Binding(exchange, routingKey: routingKey)], arguments: arguments)
    }

    /// Creates the queue of this name.
    public init(stringLiteral name: String) { self.init(name) }

    /// Creates a queue of one worker's own, which gets a copy of every task that is sent to a name: kombu's
    /// `Broadcast`.
    ///
    /// - Parameters:
    ///   - name: the name to send to, which is that of the fanout exchange.
    ///   - queue: the queue's name, which no two workers may share; a random one unless given.
    /// - Returns: the queue.
    public static func broadcast(_ name: String, queue: String? = nil) -> TaskQueue {
        TaskQueue(
            queue ?? "bcast.\(randomUUID())", alias: name, bindings: [Binding(Exchange(name, type: "fanout"))],
            isAutoDeleted: true)
    }

    /// Whether the queue says nothing but its name.
    package var isOnlyNamed: Bool { self == TaskQueue(name) }
}
