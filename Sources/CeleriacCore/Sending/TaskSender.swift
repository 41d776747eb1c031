public import CeleriacWire

public import struct FoundationEssentials.Date

/// Sends tasks and reads their results through a client: the client itself, or an application.
public protocol TaskSender: Sendable {
    /// The client.
    var client: TaskClient { get }
}

extension TaskSender {
    /// Sends a task, and returns once the broker has taken it.
    ///
    /// Options given here override those of the signature, which override the client's configuration.
    ///
    /// - Parameters:
    ///   - signature: the task with its arguments.
    ///   - countdown: run it no earlier than this long from now.
    ///   - eta: run it no earlier than this time.
    ///   - expires: do not run it after this time.
    ///   - expiresAfter: do not run it later than this long from now; ``SendOptions/expires`` goes before it.
    ///   - priority: as the broker understands it, see ``SendOptions/priority``.
    ///   - queue: the queue to send it to.
    ///   - headers: custom headers, added to those of the dialect.
    ///   - timeLimits: limits for the run.
    ///   - ignoresResult: whether the worker stores no result.
    ///   - serializer: the form of the body.
    ///   - compression: the compression of the body.
    /// - Returns: a handle on the task's result.
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` when nothing was sent, `unavailable`
    ///   when the broker cannot be reached, `publishFailed` when it did not confirm the message (which may have been
    ///   delivered all the same); `CancellationError` when the caller's task is cancelled before it publishes again.
    @discardableResult
    public func send<Value>(
        _ signature: Signature<Value>,
        countdown: Duration? = nil,
        eta: Date? = nil,
        expires: Date? = nil,
        expiresAfter: Duration? = nil,
        priority: UInt8? = nil,
        queue: String? = nil,
        headers: WireObject = [:],
        timeLimits: TimeLimits = TimeLimits(),
        ignoresResult: Bool? = nil,
        serializer: Serializer? = nil,
        compression: Compression? = nil
    ) async throws -> AsyncResult<Value> {
        let options = SendOptions(
            countdown: countdown, eta: eta, expires: expires, expiresAfter: expiresAfter, priority: priority,
            queue: queue, headers: headers,
            timeLimits: timeLimits, ignoresResult: ignoresResult, serializer: serializer, compression: compression)
        return try await client.send(signature, options: options)
    }

    /// Sends many tasks of one result type in one publication, and returns once the broker has taken all of them.
    ///
    /// - Parameters:
    ///   - signatures: the tasks with their arguments.
    ///   - options: options for all of them, which override those of the signatures.
    /// - Returns: handles on the results, in the order of the signatures.
    /// - Throws: as `send` of one task; ``PartialPublishError`` when the broker is known to have taken only some of the
    ///   tasks. After any other failure to publish, some may have been delivered too.
    @discardableResult
    public func send<Value>(_ signatures: [Signature<Value>], options: SendOptions = SendOptions()) async throws
        -> [AsyncResult<Value>]
    {
        try await client.send(batch: signatures, options: options)
    }

    /// Sends a group, and returns once the broker has taken all its tasks.
    ///
    /// - Parameters:
    ///   - group: the group.
    ///   - options: options for all of its tasks, which override those of the group.
    /// - Returns: handles on the results of the group's members.
    /// - Throws: as `send` of one task; ``PartialPublishError`` when the broker is known to have taken only some of the
    ///   tasks.
    @discardableResult
    public func send<Value>(_ group: GroupSignature<Value>, options: SendOptions = SendOptions()) async throws
        -> GroupResult<Value>
    {
        try await client.send(group, options: options)
    }

    /// Finds a group that was saved by ``GroupResult/save()`` or Python's `GroupResult.save`.
    ///
    /// - Parameters:
    ///   - id: the group's id.
    ///   - type: what its tasks return.
    /// - Returns: handles on the results of its members; nil if no group of that id was saved.
    /// - Throws: ``CeleriacError`` with code `unsupported` for a result store that does not keep groups,
    ///   `configuration` if the client has no result store; otherwise the store's error.
    public func group<Element: Codable & Sendable>(_ id: String, as type: Element.Type = Element.self) async throws
        -> GroupResult<Element>?
    {
        try await client.restoreGroup(id, coding: .codable)
    }

    /// Makes a handle on the result of a task that was sent elsewhere or earlier.
    ///
    /// - Parameters:
    ///   - id: the task's id.
    ///   - type: what the task returns.
    /// - Returns: the handle. Nobody checks that such a task exists.
    public func result<Value: Codable & Sendable>(_ id: String, as type: Value.Type = Value.self)
        -> AsyncResult<Value>
    {
        client.result(ResultReference(id: id), coding: .codable)
    }
}
