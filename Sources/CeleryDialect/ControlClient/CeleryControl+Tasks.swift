public import CeleriacCore
public import CeleriacWire
import CeleryWire

/// What becomes of tasks.
///
/// Without `reply` these functions return when the request is published, and return no replies.
extension CeleryControl {
    /// Revokes a task: workers drop it when it arrives, and what waits in one ends as revoked. What runs goes on, unless
    /// it is terminated. Workers that start later learn of it from others where Python's do (`mingle`).
    ///
    /// - Parameters:
    ///   - id: the task.
    ///   - terminate: whether to end the task if it runs.
    ///   - signal: the name of the signal by which a Python worker ends the task's process. Swift workers cancel the
    ///     task's handler.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func revoke(
        _ id: String, terminate: Bool = false, signal: String = "SIGTERM", reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        try await revoke(.string(id), terminate: terminate, signal: signal, reply: reply)
    }

    /// Revokes several tasks with one request.
    @discardableResult
    public func revoke(
        _ ids: [String], terminate: Bool = false, signal: String = "SIGTERM", reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        try await revoke(.array(ids.map { .string($0) }), terminate: terminate, signal: signal, reply: reply)
    }

    private func revoke(
        _ target: WireValue, terminate: Bool, signal: String, reply: Bool
    ) async throws -> [ControlReply<String>] {
        try await tell(
            "revoke", CeleryControlRequest.revocation(of: target, terminate: terminate, signal: signal), reply: reply)
    }

    /// Revokes the tasks that carry one of these stamps.
    ///
    /// - Parameters:
    ///   - headers: for each stamp's name a value, or an array of values.
    ///   - terminate: whether to end such tasks that run.
    ///   - signal: the name of the signal by which a Python worker ends a task's process.
    ///   - reply: whether to wait for replies.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func revokeByStampedHeaders(
        _ headers: WireObject, terminate: Bool = false, signal: String = "SIGTERM", reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        try await tell(
            "revoke_by_stamped_headers",
            ["headers": .object(headers), "terminate": .bool(terminate), "signal": .string(signal)], reply: reply)
    }

    /// Revokes tasks and ends those that run.
    ///
    /// - Parameters:
    ///   - ids: the tasks.
    ///   - signal: the name of the signal by which a Python worker ends a task's process.
    ///   - reply: whether to wait for replies, which name the tasks that were ended.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func terminate(
        _ ids: [String], signal: String = "SIGTERM", reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        try await revoke(ids, terminate: true, signal: signal, reply: reply)
    }

    /// Changes how often workers begin to run a task.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - limit: the limit for each worker; nil for none.
    ///   - reply: whether to wait for replies. Workers that do not serve the task refuse.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func rateLimit(
        _ task: String, _ limit: RateLimit?, reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        let value: WireValue =
            limit.map { limit in
                // A limit that was not made of Celery's text is written as a number of runs a second.
                RateLimit(limit.description) == nil ? .double(limit.perSecond) : .string(limit.description)
            } ?? 0
        return try await tell("rate_limit", ["task_name": .string(task), "rate_limit": value], reply: reply)
    }

    /// Changes how long a task may run.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - soft: after what time a handler is told to end; nil for no limit.
    ///   - hard: after what time a task is ended; nil for no limit.
    ///   - reply: whether to wait for replies. Workers that do not serve the task refuse.
    /// - Returns: the replies; none without `reply`.
    /// - Throws: as all functions of ``CeleryControl``.
    @discardableResult
    public func timeLimit(
        _ task: String, soft: Duration? = nil, hard: Duration? = nil, reply: Bool = false
    ) async throws -> [ControlReply<String>] {
        func seconds(_ duration: Duration?) -> WireValue {
            guard let seconds = duration?.seconds else { return .null }
            return Int64(exactly: seconds).map { .int($0) } ?? .double(seconds)
        }
        return try await tell(
            "time_limit", ["task_name": .string(task), "hard": seconds(hard), "soft": seconds(soft)], reply: reply)
    }
}
