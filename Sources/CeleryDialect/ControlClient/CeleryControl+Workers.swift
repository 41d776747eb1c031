public import CeleriacWire

/// How workers work.
///
/// Without `reply` these functions return when the request is published, and return no replies.
extension CeleryControl {
    /// Lets workers run more tasks at once.
    ///
    /// - Parameters:
    ///   - n: how many more.
    ///   - reply: whether to wait for replies. Workers under autoscale refuse.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func poolGrow(_ n: Int = 1, reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("pool_grow", ["n": .int(Int64(n))], reply: reply)
    }

    /// Lets workers run fewer tasks at once.
    ///
    /// - Parameters:
    ///   - n: how many fewer.
    ///   - reply: whether to wait for replies. Workers under autoscale refuse.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func poolShrink(_ n: Int = 1, reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("pool_shrink", ["n": .int(Int64(n))], reply: reply)
    }

    /// Replaces the processes of Python workers that have `worker_pool_restarts`; the others refuse.
    ///
    /// - Parameters:
    ///   - modules: Python modules to import, or to import again; nil for all that the application imports.
    ///   - reload: whether modules that are imported are read again.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func poolRestart(
        modules: [String]? = nil, reload: Bool = false, reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        try await tell(
            "pool_restart",
            [
                "modules": modules.map { .array($0.map { .string($0) }) } ?? .null, "reload": .bool(reload),
                "reloader": .null,
            ], reply: reply)
    }

    /// Changes the bounds of workers that were started with `--autoscale`; the others refuse.
    ///
    /// - Parameters:
    ///   - max: how many tasks run at once at most.
    ///   - min: how many processes, or places for handlers, there are at least.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func autoscale(max: Int, min: Int, reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("autoscale", ["max": .int(Int64(max)), "min": .int(Int64(min))], reply: reply)
    }

    /// Lets workers serve one more queue.
    ///
    /// - Parameters:
    ///   - queue: the queue's name.
    ///   - exchange: the exchange that the queue is bound to; nil for one of the queue's name. Swift workers take the
    ///     queue as it is.
    ///   - exchangeType: the type of the exchange.
    ///   - routingKey: the routing key of the binding; nil for the queue's name.
    ///   - options: further options of kombu's `Queue`, for instance `["queue_arguments": ["x-max-priority": 10]]`.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func addConsumer(
        _ queue: String, exchange: String? = nil, exchangeType: String = "direct", routingKey: String? = nil,
        options: WireObject = [:], reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        var arguments: WireObject = [
            "queue": .string(queue), "exchange": exchange.map { .string($0) } ?? .null,
            "exchange_type": .string(exchangeType), "routing_key": routingKey.map { .string($0) } ?? .null,
        ]
        arguments.merge(options) { _, option in option }
        return try await tell("add_consumer", arguments, reply: reply)
    }

    /// Lets workers stop serving a queue.
    ///
    /// - Parameters:
    ///   - queue: the queue's name.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func cancelConsumer(_ queue: String, reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("cancel_consumer", ["queue": .string(queue)], reply: reply)
    }

    /// Lets workers send events about tasks.
    ///
    /// - Parameter reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func enableEvents(reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("enable_events", reply: reply)
    }

    /// Lets workers send no events about tasks.
    ///
    /// - Parameter reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func disableEvents(reply: Bool = false) async throws -> [ControlReply<String>] {
        try await tell("disable_events", reply: reply)
    }

    /// Lets workers send the event of a heartbeat at once. Nobody replies to it.
    public func heartbeat() async throws { try await broadcast("heartbeat") }

    /// Lets workers end gracefully, after the tasks that run. Python's workers do not reply to it.
    public func shutdown() async throws { try await broadcast("shutdown") }
}
