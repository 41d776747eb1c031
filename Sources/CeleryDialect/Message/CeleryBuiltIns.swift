package import CeleriacCore
import CeleriacWire
import CeleryWire

/// The tasks that every Celery worker has.
package enum CeleryBuiltIns {
    /// The handlers of these tasks.
    package static var handlers: [TaskHandler] {
        [
            TaskHandler("celery.accumulate") { context in
                let arguments = context.request.arguments
                guard let index = context.request.keywordArguments["index"], !index.isNull else {
                    return .array(arguments)
                }
                guard let position = index.intValue, arguments.indices.contains(position) else {
                    throw TaskFailure("IndexError", "tuple index out of range")
                }
                return arguments[position]
            },
            TaskHandler("celery.ping") { _ in "pong" },
            TaskHandler("celery.backend_cleanup") { _ in
                // Redis and RabbitMQ let results expire by themselves.
                .null
            },
            TaskHandler("celery.map") { context in
                try await run(context) { [$0] }
            },
            TaskHandler("celery.starmap") { context in
                try await run(context) { item in
                    guard let arguments = item.arrayValue else {
                        throw TaskFailure("TypeError", "Value after * must be an iterable")
                    }
                    return arguments
                }
            },
        ]
    }

    /// Runs a task of this worker for each item of a list, one after another.
    private static func run(
        _ context: TaskContext, arguments: (WireValue) throws -> [WireValue]
    ) async throws -> WireValue {
        let parameters = parameters(of: context.request)
        guard let task = parameters.task, let items = parameters.items else {
            throw TaskFailure("TypeError", "\(context.request.name)() needs a task and a list")
        }
        let signature: CelerySignature
        do {
            signature = try CelerySignature.decode(task)
        } catch {
            throw TaskFailure("TypeError", "the task is no signature")
        }
        var results: [WireValue] = []
        for item in items {
            // As Python does: the task's function with the item, whatever else its signature says.
            results.append(try await context.run(signature.task, arguments: try arguments(item)))
        }
        return .array(results)
    }

    private static func parameters(of request: TaskRequest) -> (task: WireValue?, items: [WireValue]?) {
        let positional = request.arguments
        let task = request.keywordArguments["task"] ?? positional.first
        let items = request.keywordArguments["it"] ?? positional.dropFirst().first
        return (task, items?.arrayValue)
    }
}
