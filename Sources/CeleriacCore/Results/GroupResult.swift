public import CeleriacWire

/// Handles on the results of a group that was sent.
public struct GroupResult<Element: Sendable>: Sendable {
    /// The results that belong to the group, and what came before it in a chain.
    package let reference: ResultReference
    /// The results of its members, in order.
    public let results: [AsyncResult<Element>]
    private let client: TaskClient

    /// The id of the group.
    public var id: String { reference.id }

    init(reference: ResultReference, results: [AsyncResult<Element>], client: TaskClient) {
        self.reference = reference
        self.results = results
        self.client = client
    }

    init(_ reference: ResultReference, client: TaskClient, coding: ResultCoding<Element>) {
        self.init(
            reference: reference,
            results: (reference.members ?? []).map { client.result($0, coding: coding) }, client: client)
    }

    /// Stores which results belong to the group, so that anybody who knows its id can find them by
    /// ``TaskSender/group(_:as:)`` or Python's `GroupResult.restore`.
    ///
    /// - Throws: ``CeleriacError``: `unsupported` for a result store that keeps no groups (`rpc://`), `unavailable`.
    public func save() async throws { try await client.save(self) }

    /// Deletes what ``save()`` stored. The results stay.
    ///
    /// - Throws: as ``save()``.
    public func delete() async throws { try await client.forgetGroup(id) }

    /// The result of what came before the group in a chain; nil for a group that follows nothing.
    public var parent: AsyncResult<WireValue>? {
        reference.parent.map { client.result($0, coding: .wire) }
    }

    /// Tells all workers to drop all members, with one request; of a member that is a chain, its last task.
    ///
    /// - Parameters:
    ///   - terminate: whether to end those that run.
    ///   - signal: as for ``AsyncResult/revoke(terminate:signal:)``.
    /// - Throws: as ``AsyncResult/revoke(terminate:signal:)``.
    public func revoke(terminate: Bool = false, signal: String? = nil) async throws {
        try await client.revoke(reference.lastTaskIDs, terminate: terminate, signal: signal)
    }

    /// Returns handles that withdraw the members when a Swift task is cancelled that waits for their results by them: see
    /// ``AsyncResult/revokingIfCancelled(terminate:signal:)``.
    public func revokingIfCancelled(terminate: Bool = false, signal: String? = nil) -> GroupResult {
        GroupResult(
            reference: reference,
            results: results.map { $0.revokingIfCancelled(terminate: terminate, signal: signal) }, client: client)
    }

    /// Waits for the results of all members.
    ///
    /// - Parameter timeout: how long to wait at most for all; nil for as long as it takes.
    /// - Returns: what the tasks returned, in their order: Celery's `join`.
    /// - Throws: as ``AsyncResult/get(timeout:)``, as soon as one task has failed.
    public func get(timeout: Duration? = nil) async throws -> [Element] { try await results.get(timeout: timeout) }

    /// Passes on each result as its task ends, in the order in which they end.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait at most for all; nil for as long as it takes.
    ///   - receive: called with the position of the task and how it ended, for one task at a time.
    /// - Throws: what `receive` throws, and ``CeleriacError`` with code `timeout` when the time is up.
    public func forEach(
        timeout: Duration? = nil, _ receive: (Int, Swift.Result<Element, any Error>) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (Int, Swift.Result<Element, any Error>).self) { group in
            for (index, result) in results.enumerated() {
                group.addTask {
                    do {
                        return (index, .success(try await result.get(timeout: timeout)))
                    } catch let error as RemoteTaskError {
                        return (index, .failure(error))
                    }
                }
            }
            for try await (index, result) in group { try await receive(index, result) }
        }
    }
}
