public import CeleriacWire

/// Code of yours around everything that an application sends and around every run of its workers.
///
/// An application has a list of them: the first is outermost. What one binds to a task-local value around a run reaches
/// the handler, and what the handler sends.
///
/// ```swift
/// struct Tenants: TaskMiddleware {
///     func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws {
///         var tasks = tasks
///         for index in tasks.indices { tasks[index].options.headers["tenant"] = .string(Tenant.current) }
///         try await next(tasks)
///     }
///     func run(_ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue) async throws -> WireValue {
///         try await Tenant.$current.withValue(context.request.headers["tenant"]?.stringValue ?? "", operation: next)
///     }
/// }
/// ```
public protocol TaskMiddleware: Sendable {
    /// Called around each send of clients, beats and handlers, before messages are made. By default it sends.
    ///
    /// What a worker publishes by itself passes through none: retries keep their headers, and the later tasks of a
    /// workflow have those that they got when it was sent.
    ///
    /// - Parameters:
    ///   - tasks: all tasks of the send, also those of a workflow that are published later. Their options may be changed.
    ///   - next: sends the tasks, which must be those of `tasks` in their order, and returns once the broker has taken
    ///     them.
    /// - Throws: what `next` throws, or an error of its own, which the sender gets.
    func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws

    /// Called around each run of a handler, within its time limits and the other ``WorkerHooks``. By default it runs.
    ///
    /// - Parameters:
    ///   - context: the run.
    ///   - next: runs the handler. It throws what the handler throws, also errors of the runtime's own by which the
    ///     worker recognises a retry or a replacement: let those pass.
    /// - Returns: the result, as the wire carries it.
    /// - Throws: what `next` throws, or an error of its own, with which the task then fails.
    func run(_ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue) async throws -> WireValue
}

extension TaskMiddleware {
    /// Sends.
    public func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws {
        try await next(tasks)
    }

    /// Runs.
    public func run(
        _ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue
    ) async throws -> WireValue {
        try await next()
    }
}

/// A task that is about to be sent, as a ``TaskMiddleware`` sees it.
public struct SentTask: Sendable {
    /// The task's id; empty for a task of a workflow whose id is not known yet.
    public let id: String
    /// The task's name.
    public let name: String
    /// How it is sent and run, with the application's defaults; the id stays as it is. Of a signature in the task
    /// system's own form (`MachinerySignature`, or one that was read from a message) only the headers count.
    public var options: SendOptions
    /// The task that sends it, if a handler does.
    public let parent: TaskRequest?
}

extension ArraySlice<any TaskMiddleware> {
    /// Runs a handler within all of these.
    func run(
        _ context: TaskContext, _ last: @escaping @Sendable () async throws -> WireValue
    ) async throws -> WireValue {
        guard let first else { return try await last() }
        let rest = dropFirst()
        return try await first.run(context) { try await rest.run(context, last) }
    }

    /// Sends tasks within all of these.
    func send(
        _ tasks: [SentTask], _ last: @escaping @Sendable ([SentTask]) async throws -> Void
    ) async throws {
        guard let first else { return try await last(tasks) }
        let rest = dropFirst()
        try await first.send(tasks) { try await rest.send($0, last) }
    }
}
