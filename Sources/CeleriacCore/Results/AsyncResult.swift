public import CeleriacWire

/// A handle on the result of a task that was sent.
public struct AsyncResult<Value: Sendable>: Sendable {
    /// The result that the handle is for, and what came before it in a chain.
    package let reference: ResultReference
    let client: TaskClient
    let coding: ResultCoding<Value>
    let ticket: ResultTicket?
    /// How the task is withdrawn when the Swift task that waits for it is cancelled; nil to leave it alone.
    var withdrawal: Withdrawal?

    /// The task's id.
    public var id: String { reference.id }

    /// The result of what came before the task in a chain; nil for a task that follows nothing.
    public var parent: AsyncResult<WireValue>? {
        reference.parent.map { AsyncResult<WireValue>(reference: $0, client: client, coding: .wire, ticket: ticket) }
    }

    /// The members of a group; nil for a task.
    public var members: [AsyncResult<WireValue>]? {
        reference.members?.map {
            AsyncResult<WireValue>(reference: $0, client: client, coding: .wire, ticket: ticket)
        }
    }

    /// Waits for the result; of a group, for those of all members.
    ///
    /// - Parameter timeout: how long to wait at most; nil for as long as it takes.
    /// - Returns: what the task returned, or the list of what the members returned.
    /// - Throws: ``RemoteTaskError`` when the task failed or was revoked, or when a task before it in its chain did, so
    ///   that it will never run; ``CeleriacError`` with code `timeout` when the time is up, `resultMismatch` when the
    ///   result is not a `Value`, `unavailable` or `closed` when the result store is gone; `CancellationError`.
    public func get(timeout: Duration? = nil) async throws -> Value {
        let result = try await client.waiting(for: reference.lastTaskIDs, withdrawal) {
            try await client.finalResult(of: reference, timeout: timeout)
        }
        return try client.value(of: result, coding: coding)
    }

    /// Waits for the result by reading it at an interval, even where the result store would notify the caller.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait at most; nil for as long as it takes.
    ///   - interval: how long to wait between two reads.
    /// - Returns: what the task returned.
    /// - Throws: as ``get(timeout:)``.
    public func get(timeout: Duration? = nil, every interval: Duration) async throws -> Value {
        let result = try await client.waiting(for: reference.lastTaskIDs, withdrawal) {
            try await client.finalResult(of: reference, every: interval, timeout: timeout)
        }
        return try client.value(of: result, coding: coding)
    }

    /// The task's state as it is stored now; `PENDING` when nothing is stored.
    ///
    /// - Throws: ``CeleriacError`` when the result store cannot be reached or read.
    public func status() async throws -> TaskState {
        try await client.currentResult(of: id)?.state ?? .pending
    }

    /// What is stored for the task now, or nil when nothing is.
    ///
    /// - Throws: ``CeleriacError`` when the result store cannot be reached or read.
    public func stored() async throws -> TaskResult? {
        try await client.currentResult(of: id)
    }

    /// The results of what the task has sent, as its stored result names it now: tasks, and groups with their
    /// ``members``. Empty while nothing is stored.
    ///
    /// - Throws: ``CeleriacError`` when the result store cannot be reached or read.
    public func children() async throws -> [AsyncResult<WireValue>] {
        let children = try await stored()?.children ?? []
        return children.map { client.result($0, coding: .wire) }
    }

    /// Tells all workers to drop the task, or the members of the group: a task that waits ends as revoked, one that
    /// runs goes on unless it is terminated. Returns when the request is published; tasks before it in a chain stay.
    ///
    /// - Parameters:
    ///   - terminate: whether to end the task if it runs.
    ///   - signal: the name of the signal by which a Python worker ends the task's process, for instance `SIGKILL`; nil
    ///     for `SIGTERM`. Swift workers cancel the task's handler.
    /// - Throws: ``CeleriacError``: `unsupported` for tasks of Machinery, which has no such request, and for transports
    ///   without remote control; `unavailable` when the broker cannot be reached.
    public func revoke(terminate: Bool = false, signal: String? = nil) async throws {
        try await client.revoke(reference.lastTaskIDs, terminate: terminate, signal: signal)
    }

    /// Returns a handle that withdraws the task, or the members of the group, as ``revoke(terminate:signal:)`` does, when a
    /// Swift task is cancelled that waits for the result or reads the ``progress`` by this handle.
    ///
    /// The wait still throws `CancellationError`, once the request is published or could not be: it takes four seconds
    /// at most, and a failure is logged. Machinery cannot revoke tasks, so there it logs that alone.
    ///
    /// ```swift
    /// let page = try await celery.send(Tasks.render(url)).revokingIfCancelled(terminate: true).get()
    /// ```
    ///
    /// - Parameters:
    ///   - terminate: whether to end the task if it runs.
    ///   - signal: as for ``revoke(terminate:signal:)``.
    /// - Returns: the handle.
    public func revokingIfCancelled(terminate: Bool = false, signal: String? = nil) -> AsyncResult {
        var copy = self
        copy.withdrawal = Withdrawal(terminate: terminate, signal: signal)
        return copy
    }

    /// Deletes what is stored for the task.
    ///
    /// - Throws: ``CeleriacError`` when the result store cannot be reached.
    public func forget() async throws {
        try await client.forget(id)
    }
}

extension AsyncResult where Value == WireValue {
    /// What is stored for the task now, or nil when nothing is. The value of a success is the one that ``get(timeout:)``
    /// returns: where a dialect wraps results, the value inside.
    ///
    /// - Throws: ``CeleriacError`` when the result store cannot be reached or read.
    package func untyped() async throws -> TaskResult? {
        guard var stored = try await stored() else { return nil }
        if stored.state == .success { stored.value = try client.value(of: stored, coding: .wire) }
        return stored
    }
}

extension Array {
    /// Waits for the results of all tasks, with one subscription and one read for all of them.
    ///
    /// - Parameter timeout: how long to wait at most for all; nil for as long as it takes.
    /// - Returns: what the tasks returned, in their order.
    /// - Throws: as ``AsyncResult/get(timeout:)``, as soon as one task has failed. If several are known to have failed,
    ///   the first in order counts.
    public func get<Value: Sendable>(timeout: Duration? = nil) async throws -> [Value]
    where Element == AsyncResult<Value> {
        guard let client = first?.client else { return [] }
        let withdrawn = filter { $0.withdrawal != nil }
        let results = try await client.waiting(
            for: withdrawn.flatMap(\.reference.lastTaskIDs), withdrawn.first?.withdrawal
        ) {
            try await client.finalResults(
                of: flatMap(\.reference.lastTaskIDs),
                orFailureOf: flatMap { client.precedingTasks(of: $0.reference) }, timeout: timeout)
        }
        let outcomes = map { handle in
            (handle, handle.reference.result(in: results, after: client.precedingTasks(of: handle.reference)))
        }
        let failed = outcomes.first { $0.1?.hasFailed == true }
        return try (failed.map { [$0] } ?? outcomes).map { handle, result in
            guard let result else {
                throw CeleriacError(.resultStore, "no result for task \(handle.id)")
            }
            return try client.value(of: result, coding: handle.coding)
        }
    }
}
