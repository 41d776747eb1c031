public import CeleriacWire

/// What a worker runs for one task name: a closure, its types erased, with the options under which it is registered.
public struct TaskHandler: Sendable {
    /// The task's name.
    public let name: String
    /// How the worker treats the task.
    public internal(set) var options: TaskOptions
    let run: @Sendable (TaskContext) async throws -> WireValue
    /// What an error callback does when it is called in this worker.
    var callback: (@Sendable (TaskContext, ErrorCall) async throws -> Void)?

    /// A handler without types: it gets the request as it stands on the wire and returns a wire value.
    public init(
        _ name: String,
        options: TaskOptions = TaskOptions(),
        handler: @escaping @Sendable (TaskContext) async throws -> WireValue
    ) {
        self.name = name
        self.options = options
        self.run = handler
    }

    /// An error callback that this worker calls itself, with the failed request and its failure, when a task fails here:
    /// what Celery does with callbacks that take the request, the exception and the traceback.
    ///
    /// What it throws is logged and changes nothing. A worker that does not know the callback sends it as a message, with
    /// the id of the failed task: write that as a task of its own.
    ///
    /// - Parameters:
    ///   - name: the name under which senders know it.
    ///   - handler: gets the context of the task that failed, and the call.
    public init(
        errorCallback name: String, handler: @escaping @Sendable (TaskContext, ErrorCall) async throws -> Void
    ) {
        self.init(name) { _ in
            throw TaskFailure("TypeError", "\(name)() is called by a failing worker, and not by a message")
        }
        self.callback = handler
    }
}

extension TaskName {
    /// Registers a handler for the task.
    ///
    /// What the handler throws is stored as the task's failure; see ``TaskFailure``, ``IgnoreResult``, ``Rejection`` and
    /// ``TaskContext/retry(after:cause:)`` for what has a meaning of its own.
    public func handled(
        options: TaskOptions = TaskOptions(),
        _ handler: @escaping @Sendable (repeat each Argument) async throws -> Result
    ) -> TaskHandler {
        handled(options: options) { (_: TaskContext, argument: repeat each Argument) in
            try await handler(repeat each argument)
        }
    }

    /// Registers a handler that also gets the context of the run.
    public func handled(
        options: TaskOptions = TaskOptions(),
        _ handler: @escaping @Sendable (TaskContext, repeat each Argument) async throws -> Result
    ) -> TaskHandler {
        let (name, shape, resultCoding) = (name, shape, resultCoding)
        return TaskHandler(name, options: options) { context in
            var binder = ArgumentBinder(
                task: name, shape: shape, arguments: context.request.arguments,
                keywords: context.request.keywordArguments, decoder: WireDecoder(coding: context.valueCoding))
            let arguments = (repeat try binder.next((each Argument).self))
            try binder.finish()
            let result = try await handler(context, repeat each arguments)
            return try resultCoding.encode(result, WireEncoder(coding: context.valueCoding))
        }
    }
}
