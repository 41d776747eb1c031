import CeleriacWire

/// Looking after messages that workers have parked: what cannot be run is kept in `<queue>.parked` until somebody
/// decides.
extension TaskSender {
    /// Lists messages that were parked from a queue, in the order in which they were parked, with the task that each is
    /// of as far as it says so.
    ///
    /// - Parameters:
    ///   - queue: the queue that they were taken from.
    ///   - id: the last message of the page before; nil for the first page.
    ///   - limit: how many messages to return at most.
    /// - Returns: the messages of the page; none after the last one.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot list them, `configuration` if the
    ///   message `id` is no longer there, or the broker's error.
    public func parkedMessages(
        in queue: String, after id: String? = nil, limit: Int = 100
    ) async throws -> [ParkedMessage] {
        try await client.broker.parkedMessages(in: queue, after: id, limit: limit).map { naming($0, in: queue) }
    }

    /// Looks at all messages parked from a queue, page by page.
    package func eachParkedPage(in queue: String, _ body: ([ParkedMessage]) -> Void) async throws {
        try await client.broker.walkParkedOrPage(in: queue) { page in
            body(page.map { naming($0, in: queue) })
            return true
        }
    }

    /// A parked message with the task that it is of.
    private func naming(_ parked: ParkedMessage, in queue: String) -> ParkedMessage {
        guard parked.taskID == nil, let content = parked.content else { return parked }
        var parked = parked
        let request = client.dialect.task(of: content, inQueue: queue)
        parked.taskID = request?.id
        parked.task = request.flatMap { $0.name.isEmpty ? nil : $0.name }
        return parked
    }

    /// Puts parked messages back into their queue, as they came. A message that could not be run for a reason that
    /// still holds is parked again.
    ///
    /// A caller that has been told that the task failed may see its state change.
    ///
    /// - Parameters:
    ///   - ids: the messages, by their ``ParkedMessage/id``. Ids of messages that are no longer parked are skipped.
    ///   - queue: the queue that they were taken from.
    /// - Returns: how many messages were put back.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it, or the broker's error.
    @discardableResult
    public func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await client.broker.requeueParked(ids, in: queue)
    }

    /// Deletes parked messages, for good.
    ///
    /// - Parameters:
    ///   - ids: the messages, by their ``ParkedMessage/id``. Ids of messages that are no longer parked are skipped.
    ///   - queue: the queue that they were taken from.
    /// - Returns: how many messages were deleted.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it, or the broker's error.
    @discardableResult
    public func dropParked(_ ids: [String], in queue: String) async throws -> Int {
        try await client.broker.dropParked(ids, in: queue)
    }
}
