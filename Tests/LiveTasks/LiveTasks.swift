package import Celeriac

/// Tasks of the Python peer in Swift, with the same names and results: those that the live matrix and the interop files have
/// in common. `tasks.add` and `tasks.greet` are not among them, since their users' differ.
package enum LiveTasks {
    /// Multiplies two numbers.
    package static let multiply = TaskDefinition<Int, Int, Int>("tasks.multiply", parameters: "x", "y")
    /// Adds numbers.
    package static let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")
    /// Fails with an exception of this type.
    package static let fail = TaskDefinition<String, Variadic<WireValue>, Void>("tasks.fail")
    /// Succeeds when it has been retried so often.
    package static let retryUntil = TaskDefinition<Int, Double, Int>(
        "tasks.retry_until", parameters: "count", .init("countdown", default: 0.1))
    /// Never succeeds.
    package static let retryExhaust = TaskDefinition<Int, Double, Void>(
        "tasks.retry_exhaust", parameters: .init("max_retries", default: 2), .init("countdown", default: 0.1))

    /// Their handlers.
    @TaskHandlerBuilder package static var handlers: [TaskHandler] {
        multiply.handler { $0 * $1 }
        sum.handler { $0.reduce(0, +) }
        TaskHandler("tasks.echo") { context in
            ["args": .array(context.request.arguments), "kwargs": .object(context.request.keywordArguments)]
        }
        fail.handler { name, arguments in throw TaskFailure(type: name, arguments: arguments.elements) }
        retryUntil.handler(options: TaskOptions(retry: RetryPolicy(maximumRetries: nil))) { context, count, countdown in
            if context.retries < count { try context.retry(after: .seconds(countdown)) }
            return context.retries
        }
        retryExhaust.handler { context, maximum, countdown in
            try context.retry(
                after: .seconds(countdown), maximumRetries: maximum,
                cause: TaskFailure(type: "ValueError", arguments: ["never good", .int(Int64(context.retries))]))
        }
    }
}
