package import CeleriacCore
package import CeleriacWire

/// Where tasks go by their names: `task_routes`.
///
/// ```swift
/// configuration.routes = [
///     "images.resize": "images",
///     "video.*": TaskRoute(queue: "video", routingKey: "video.import", priority: 3),
/// ]
/// ```
///
/// A name that is written out goes before all patterns, and these count in their order. A pattern has a `*`, and is read as
/// Python's `fnmatch` does.
public struct TaskRoutes: Sendable, ExpressibleByDictionaryLiteral {
    private enum Pattern: Sendable {
        case glob(GlobPattern)
        case expression(RegularPattern)

        func matches(_ name: String) -> Bool {
            switch self {
            case .glob(let pattern): pattern.matches(name)
            case .expression(let pattern): (try? pattern.matchesBeginning(of: name)) ?? false
            }
        }
    }

    /// Routes of which the exact names are looked at first: one mapping of `task_routes`.
    private struct Table: Sendable {
        var exact: [String: TaskRoute] = [:]
        var patterns: [(pattern: Pattern, route: TaskRoute)] = []
    }

    private var tables: [Table] = []
    /// All routes under their names and patterns, in their order.
    package private(set) var all: [(name: String, route: TaskRoute)] = []

    /// No routes.
    public init() {}

    /// Creates routes by task name or pattern.
    public init(dictionaryLiteral routes: (String, TaskRoute)...) {
        beginTable()
        for (name, route) in routes { add(name, route) }
    }

    /// Whether there are no routes.
    package var isEmpty: Bool { all.isEmpty }

    /// Sets the route of a task name or a pattern; nil if there is none.
    public subscript(name: String) -> TaskRoute? {
        get { all.last { $0.name == name }?.route }
        set {
            let before = all.filter { $0.name != name }
            self = TaskRoutes()
            beginTable()
            for (name, route) in before { add(name, route) }
            if let newValue { add(name, newValue) }
        }
    }

    /// Begins a mapping: what follows counts after everything that came before.
    package mutating func beginTable() { tables.append(Table()) }

    /// Adds a route for a name or a pattern.
    package mutating func add(_ name: String, _ route: TaskRoute) {
        if tables.isEmpty { beginTable() }
        all.append((name, route))
        let last = tables.count - 1
        if name.contains("*") {
            tables[last].patterns.append((.glob(GlobPattern(name)), route))
        } else {
            tables[last].exact[name] = route
        }
    }

    /// Adds a route for the names that a regular expression of Python's matches.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the expression cannot be used.
    package mutating func add(matching expression: String, _ route: TaskRoute) throws(CeleriacError) {
        let pattern: RegularPattern
        do {
            pattern = try RegularPattern(expression)
        } catch {
            throw CeleriacError(.configuration, "the pattern '\(expression)' of a route cannot be used", cause: error)
        }
        if tables.isEmpty { beginTable() }
        all.append(("re.compile('\(expression)')", route))
        tables[tables.count - 1].patterns.append((.expression(pattern), route))
    }

    /// The route of a task; nil if none fits its name.
    func route(of task: String) -> TaskRoute? {
        for table in tables {
            if let route = table.exact[task] { return route }
            if let found = table.patterns.first(where: { $0.pattern.matches(task) }) { return found.route }
        }
        return nil
    }
}

/// Where the tasks of a route go, and what applies to those that say nothing else.
///
/// A string literal is the route to the queue of that name.
public struct TaskRoute: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The queue; nil for the default queue, unless there is an exchange.
    public var queue: String?
    /// The exchange; nil for that of the queue. It counts only with a routing key, or if it is not direct.
    public var exchange: String?
    /// The type of the exchange; nil for that of the queue's.
    public var exchangeType: String?
    /// The routing key; nil for that of the queue.
    public var routingKey: String?
    /// The priority of tasks that have none.
    public var priority: UInt8?
    /// AMQP's delivery mode of tasks that have none.
    package var deliveryMode: UInt8?
    /// The compression of tasks that have none.
    package var compression: Compression?

    /// Creates a route.
    public init(
        queue: String? = nil, exchange: String? = nil, exchangeType: String? = nil, routingKey: String? = nil,
        priority: UInt8? = nil
    ) {
        self.queue = queue
        self.exchange = exchange
        self.exchangeType = exchangeType
        self.routingKey = routingKey
        self.priority = priority
    }

    /// Creates the route to the queue of this name.
    public init(stringLiteral queue: String) { self.init(queue: queue) }

    /// The route as `task_routes` has it.
    package var settings: WireValue {
        let named: [(String, WireValue?)] = [
            ("queue", queue.map { .string($0) }), ("exchange", exchange.map { .string($0) }),
            ("exchange_type", exchangeType.map { .string($0) }), ("routing_key", routingKey.map { .string($0) }),
            ("priority", priority.map { .int(Int64($0)) }),
            ("delivery_mode", deliveryMode.map { .int(Int64($0)) }),
            ("compression", compression.map { .string($0.rawValue) }),
        ]
        return .object(WireObject(named.compactMap { name, value in value.map { (name, $0) } }))
    }
}
