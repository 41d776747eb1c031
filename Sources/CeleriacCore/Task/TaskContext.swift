public import CeleriacWire
public import Logging

/// The run of one task, as its handler sees it.
public struct TaskContext: Sendable {
    /// The request.
    public let request: TaskRequest
    /// The worker's node name, `name@host`.
    public let nodeName: String
    let dialect: any Dialect
    let baseLogger: Logger
    let values: SharedValues
    let sender: ContextSender
    let handlers: [String: TaskHandler]
    let storeState: @Sendable (TaskState, WireValue) async throws -> Void

    /// How this dialect's values become Swift values.
    public var valueCoding: any ValueCoding { dialect.valueCoding }

    /// The task's id.
    public var id: String { request.id }

    /// A logger that names the task and its id.
    public var logger: Logger {
        var logger = baseLogger
        logger[metadataKey: "task"] = "\(request.name)"
        logger[metadataKey: "task-id"] = "\(request.id)"
        return logger
    }

    /// How often the task has been retried.
    public var retries: Int { request.retries }

    /// Ends this run and sends the task again, to be run after a delay. Always throws: let the error pass.
    ///
    /// ```swift
    /// do { try await fetch(url) } catch { try context.retry(after: .seconds(5), cause: error) }
    /// ```
    ///
    /// - Parameters:
    ///   - delay: how long to wait; nil for the task's ``TaskOptions/retry`` policy.
    ///   - maximumRetries: how often the task may be retried in all; nil for the policy's number.
    ///   - cause: what went wrong. The worker stores it with the state `RETRY`, and as the failure once no retry is
    ///     left.
    /// - Throws: an error of the runtime's own, by which the worker recognises the retry.
    public func retry(after delay: Duration? = nil, maximumRetries: Int? = nil, cause: (any Error)? = nil) throws
        -> Never
    {
        throw RetryError(delay: delay, maximumRetries: maximumRetries, cause: cause)
    }

    /// Ends this run and sends the task again with other arguments. Always throws: let the error pass.
    ///
    /// - Parameters:
    ///   - arguments: positional arguments for the next run; nil keeps those of this one.
    ///   - keywordArguments: keyword arguments for the next run; nil keeps those of this one.
    ///   - delay: how long to wait; nil for the task's ``TaskOptions/retry`` policy.
    ///   - maximumRetries: how often the task may be retried in all; nil for the policy's number.
    ///   - cause: what went wrong.
    /// - Throws: an error of the runtime's own, by which the worker recognises the retry.
    public func retry(
        arguments: [WireValue]?, keywordArguments: WireObject? = nil, after delay: Duration? = nil,
        maximumRetries: Int? = nil, cause: (any Error)? = nil
    ) throws -> Never {
        var retry = RetryError(delay: delay, maximumRetries: maximumRetries, cause: cause)
        retry.arguments = arguments
        retry.keywordArguments = keywordArguments
        throw retry
    }

    /// Ends this run and sends another signature in place of the task. It takes over the task's id, its place in a
    /// group or chord, and its callbacks: Celery's `replace`. Always throws: let the error pass.
    public func replace<Value>(with signature: Signature<Value>) throws -> Never {
        throw ReplaceError(submission: try sender.client().submission(of: signature))
    }

    /// Runs the handler of another task of this worker here and now, with other arguments.
    ///
    /// - Throws: the task system's ``TaskFailure`` for an unknown task (in Celery `NotRegistered`) if the worker has no
    ///   such task; otherwise the handler's error.
    public func run(
        _ task: String, arguments: [WireValue], keywordArguments: WireObject = [:]
    ) async throws -> WireValue {
        guard let handler = handlers[task] else {
            throw dialect.failure(for: .notRegistered(name: task))
        }
        var request = request
        request.arguments = arguments
        request.keywordArguments = keywordArguments
        return try await handler.run(
            TaskContext(
                request: request, nodeName: nodeName, dialect: dialect, baseLogger: baseLogger, values: values,
                sender: sender, handlers: handlers, storeState: storeState))
    }

    /// Sends a task from within this one, as its child.
    ///
    /// - Throws: as the `send` of an application: ``TaskSender``.
    @discardableResult
    public func send<Value>(_ signature: Signature<Value>, options: SendOptions = SendOptions()) async throws
        -> AsyncResult<Value>
    {
        try await sender.send(signature, options: options, parent: request)
    }

    /// Adds a task to the chord whose header this one belongs to, and sends it. The chord's body waits for its result
    /// too. Celery's `add_to_chord`.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` when the task belongs to no chord.
    public func addToChord<Value>(_ signature: Signature<Value>) async throws {
        try await sender.addToChord(signature, request: request)
    }

    /// The stored states of other tasks, in their order; nil for a task without one.
    package func results(of ids: [String]) async throws -> [TaskResult?] {
        try await sender.client().currentResults(of: ids)
    }

    /// Deletes expired results, if the store does not do that by itself.
    package func removeExpiredResults() async throws { try await sender.client().removeExpiredResults() }

    /// Leaves a step for the dialect to take when it handles the outcome of this run. Only the dialect's own tasks use
    /// it.
    package func leave(_ step: any NativeStep) { sender.leave(step) }

    /// Stores a state of the task's own, for instance `PROGRESS`, with a value that callers can read:
    /// ``AsyncResult/progress(of:timeout:)`` follows it, and Python's `result.info` has it.
    ///
    /// - Throws: an error when the value cannot be encoded or stored.
    public func update<Value: Encodable>(state: TaskState, value: Value) async throws {
        try await storeState(state, WireEncoder(coding: dialect.resultValueCoding).encode(value))
    }

    /// Returns the value of a type that the worker's configuration shares with its handlers, for instance a database
    /// pool.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the worker shares no value of that type.
    public func shared<Value: Sendable>(_ type: Value.Type = Value.self) throws -> Value {
        guard let value = values[Value.self] else {
            throw CeleriacError(
                .configuration, "the worker shares no \(type): pass one to its configuration's `share(_:)`")
        }
        return value
    }
}

/// The values that a worker shares with its handlers, by type.
package struct SharedValues: Sendable {
    private var values: [ObjectIdentifier: any Sendable] = [:]

    /// Shares nothing.
    package init() {}

    /// The value of a type.
    package subscript<Value: Sendable>(type: Value.Type) -> Value? {
        get { values[ObjectIdentifier(type)] as? Value }
        set { values[ObjectIdentifier(type)] = newValue }
    }
}
