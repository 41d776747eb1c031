import Celeriac
import Synchronization

/// Tasks that report their request, or that are retried.
enum RequestTasks {
    private static let attempts = Mutex(0)
    private static let expected = TaskFailure(
        type: "ExpectedException", module: "t.integration.tasks", arguments: [])

    private static let declared = TimeLimits(soft: .seconds(45), hard: .seconds(60))

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        suite("ids", ["i"]) { context, call in .array(ids(context) + [call["i"]]) }
        suite("collect_ids", ["res", "i"]) { context, call in [call["res"], .array(ids(context) + [call["i"]])] }
        suite("return_priority", [], takesRest: true) { context, _ in
            .string("Priority: \(context.request.priority.map { "\($0)" } ?? "None")")
        }
        suite("return_properties", []) { context, _ in
            guard let message = context.request.celeryMessage else { return .null }
            var properties: WireObject = [:]
            properties["app_id"] = message.properties.appID.map { .string($0) }
            properties["correlation_id"] = message.properties.correlationID.map { .string($0) }
            properties["reply_to"] = message.properties.replyTo.map { .string($0) }
            return .object(properties)
        }
        suite("return_request_eta", []) { context, _ in
            context.request.celeryMessage?.eta.map { .string($0) } ?? .null
        }
        suite("return_request_time_limits", []) { context, _ in limits(context, TimeLimits()) }
        suite("task_with_declared_time_limits", [], options: TaskOptions(timeLimits: declared)) { context, _ in
            limits(context, declared)
        }

        // These tasks are retried.
        suite("retry", [], optional: ["return_value"]) { context, call in
            if call["return_value"].isTruthy {
                let attempt = attempts.withLock { attempts in
                    defer { attempts = attempts >= 3 ? 0 : attempts + 1 }
                    return attempts
                }
                if attempt >= 3 { return call["return_value"] }
            }
            try context.retry(after: .seconds(5), cause: expected)
        }
        suite("retry_unpickleable", ["foo", "bar", "retry_kwargs"]) { context, call in
            try context.retry(
                after: (call["retry_kwargs"]["countdown"]?.doubleValue).map { .seconds($0) },
                maximumRetries: call["retry_kwargs"]["max_retries"]?.intValue,
                cause: TaskFailure(
                    type: "UnpickleableException", module: "t.integration.tasks", arguments: [call["foo"]]))
        }
        once("retry_once", optional: ["expires", "max_retries", "countdown"]) { .int(Int64($0.retries)) }
        once("retry_once_priority", optional: ["expires", "max_retries", "countdown"]) {
            .int(Int64($0.request.priority ?? 0))
        }
        once("retry_once_headers", optional: ["max_retries", "countdown"]) { context in
            .object(context.request.celeryMessage?.otherHeaders ?? [:])
        }
        once("retry_once_ignore_result", options: TaskOptions(ignoresResult: true)) { .int(Int64($0.retries)) }
        once("retry_once_with_result") { .int(Int64($0.retries)) }
        suite("retry_with_args_after_kwargs", ["foo", "bar"], optional: ["label"]) { context, call in
            guard context.retries > 0 else {
                try context.retry(
                    arguments: [try Arithmetic.add(call["foo"], 1), try Arithmetic.add(call["bar"], 1)],
                    keywordArguments: call["label"].isNull ? [:] : ["label": call["label"]], after: .zero,
                    maximumRetries: 1)
            }
            return [
                "foo": call["foo"], "bar": call["bar"], "label": call["label"],
                "retries": .int(Int64(context.retries)), "is_eager": false,
            ]
        }
        suite("retry_with_kwargs_after_args", ["foo", "bar"]) { context, call in
            guard context.retries > 0 else {
                try context.retry(
                    arguments: [],
                    keywordArguments: ["foo": try Arithmetic.add(call["foo"], 1), "bar": call["bar"]], after: .zero,
                    maximumRetries: 1)
            }
            return [
                "foo": call["foo"], "bar": call["bar"], "retries": .int(Int64(context.retries)), "is_eager": false,
            ]
        }
        TaskHandler("auto_retry_class_task") { context in
            guard context.retries == 0 else { return .int(Int64(context.retries)) }
            try context.retry(
                after: .seconds(1), maximumRetries: 1, cause: TaskFailure(type: "ValueError", arguments: []))
        }
    }

    /// A task that is retried once.
    private static func once(
        _ name: String, optional: [String] = [], options: TaskOptions = TaskOptions(),
        result: @escaping @Sendable (TaskContext) -> WireValue
    ) -> TaskHandler {
        // Positional arguments are accepted and dropped; the options are keyword arguments.
        suite(name, [], takesRest: true, options: options) { context, _ in
            if context.retries > 0 { return result(context) }
            let keywords = context.request.keywordArguments
            try context.retry(
                after: .seconds(keywords["countdown"]?.doubleValue ?? 0.1),
                maximumRetries: keywords["max_retries"]?.intValue ?? 1)
        }
    }

    private static func ids(_ context: TaskContext) -> [WireValue] {
        [
            context.request.rootID.map { .string($0) } ?? .null,
            context.request.parentID.map { .string($0) } ?? .null,
        ]
    }

    /// The limits in the message, or else those that the task declares.
    private static func limits(_ context: TaskContext, _ declared: TimeLimits) -> WireValue {
        let message = context.request.celeryMessage?.timeLimit
        func value(_ asked: Double?, _ declared: Duration?) -> WireValue {
            if let asked { return Int64(exactly: asked).map { .int($0) } ?? .double(asked) }
            return declared.map { .int($0.components.seconds) } ?? .null
        }
        return [
            "time_limit": value(message?.hard, declared.hard), "soft_time_limit": value(message?.soft, declared.soft),
        ]
    }
}
