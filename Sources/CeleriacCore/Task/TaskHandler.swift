public import CeleriacWire

/// What a worker runs for one task name: a closure whose types are erased, and the options under which it is
/// registered.
public struct TaskHandler: Sendable {
    /// The task's name.
    public let name: String
    /// How the worker treats the task.
    public internal(set) var options: TaskOptions
    let run: @Sendable (TaskContext) async throws -> WireValue
    /// What an error callback does when it is called in this worker.
    var callback: (@Sendable (TaskContext, ErrorCall) async throws -> Void)?

    /// Makes a handler without types. It gets the request as the wire carries it and returns a wire value.
    public init(
        _ name: String,
        options: TaskOptions = TaskOptions(),
        handler: @escaping @Sendable (TaskContext) async throws -> WireValue
    ) {
        self.name = name
        self.options = options
        self.run = handler
    }

    /// Makes an error callback, which the worker itself calls when one of its tasks fails, as Celery does with
    /// callbacks that take the request, the exception and the traceback.
    ///
    /// If the callback throws, the worker logs the error and goes on. A worker that does not know the callback sends it
    /// as a message with the id of the failed task instead; to serve such messages, write a task.
    ///
    /// - Parameters:
    ///   - name: the name under which senders know the callback.
    ///   - handler: the callback. It gets the context of the task that failed, and the call.
    public init(
        errorCallback name: String, handler: @escaping @Sendable (TaskContext, ErrorCall) async throws -> Void
    ) {
        self.init(name) { context in
            let text = "\(name)() is called by a failing worker, and not by a message"
            throw context.dialect.failure(for: .badCall(text))
        }
        self.callback = handler
    }
}

extension TaskDefinition {
    /// Registers a handler for the task.
    ///
    /// The worker stores an error that the handler throws as the task's failure. ``TaskFailure``, ``IgnoreResult``,
    /// ``Rejection`` and ``TaskContext/retry(after:maximumRetries:cause:)`` have a meaning of their own.
    public func handler(
        options: TaskOptions = TaskOptions(),
        _ handler: @escaping @Sendable (repeat each Argument) async throws -> Result
    ) -> TaskHandler {
        self.handler(options: options) { (_: TaskContext, argument: repeat each Argument) in
            try await handler(repeat each argument)
        }
    }

    /// Registers a handler that also gets the context of the run.
    public func handler(
        options: TaskOptions = TaskOptions(),
        _ handler: @escaping @Sendable (TaskContext, repeat each Argument) async throws -> Result
    ) -> TaskHandler {
        let (name, shape, resultCoding) = (name, shape, resultCoding)
        return TaskHandler(name, options: options) { context in
            var binder = ArgumentBinder(
                task: name, shape: shape, request: context.request, dialect: context.dialect)
            let arguments = (repeat try binder.next((each Argument).self))
            try binder.finish()
            let result = try await handler(context, repeat each arguments)
            return try resultCoding.encode(result, WireEncoder(coding: context.dialect.resultValueCoding))
        }
    }
}

/// Collects handlers in the body of a worker's declaration.
@resultBuilder
public enum TaskHandlerBuilder {
    /// One handler.
    public static func buildExpression(_ handler: TaskHandler) -> [TaskHandler] { [handler] }
    /// Several handlers, for instance those of a module.
    public static func buildExpression(_ handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// All handlers of the body.
    public static func buildBlock(_ handlers: [TaskHandler]...) -> [TaskHandler] { handlers.flatMap { $0 } }
    /// Handlers under an `if` without `else`.
    public static func buildOptional(_ handlers: [TaskHandler]?) -> [TaskHandler] { handlers ?? [] }
    /// Handlers under an `if`.
    public static func buildEither(first handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// Handlers under an `else`.
    public static func buildEither(second handlers: [TaskHandler]) -> [TaskHandler] { handlers }
    /// Handlers of a loop.
    public static func buildArray(_ handlers: [[TaskHandler]]) -> [TaskHandler] { handlers.flatMap { $0 } }
}
