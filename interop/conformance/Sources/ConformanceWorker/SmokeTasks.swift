import Celeriac
import CeleryWire

/// The tasks that only the smoke tests call. Those that kill their process are not among them: here that is the worker's.
enum SmokeTasks {
    private static let prefix = "t.smoke.tasks."

    @TaskHandlerBuilder static var handlers: [TaskHandler] {
        smoke("noop", [], takesRest: true) { _, _ in .null }
        smoke("add_with_explicit_lazy_option", ["x", "y"]) { _, call in try Arithmetic.add(call["x"], call["y"]) }
        smoke("long_running_task", [], optional: ["seconds", "verbose"]) { context, call in
            context.logger.info("Starting long running task")
            let seconds = Int(exactly: (call["seconds"].doubleValue ?? 1).rounded(.towardZero)) ?? 0
            for second in 0..<max(0, seconds) {
                try await Task.sleep(for: .seconds(1))
                if call["verbose"].isTruthy { context.logger.info("Sleeping: \(second)") }
            }
            context.logger.info("Finished long running task")
            return true
        }
        smoke("replace_with_task", [], optional: ["replace_with"]) { context, call in
            let next =
                try call["replace_with"].isNull
                ? Signatures.task("replaced_with_me") : CelerySignature.decode(call["replace_with"])
            try context.replace(with: Signature(next))
        }
        smoke("summarize_results", ["results"]) { _, call in try Arithmetic.sum(try call.numbers("results")) }

        // These tasks pass a time limit.
        smoke(
            "soft_time_limit_lower_than_time_limit", [],
            options: TaskOptions(timeLimits: TimeLimits(soft: .seconds(3), hard: .seconds(5)))
        ) { _, _ in
            try await Task.sleep(for: .seconds(4))
            return .null
        }
        smoke(
            "self_termination_delay_timeout", [], options: TaskOptions(timeLimits: TimeLimits(hard: .seconds(2)))
        ) { _, _ in
            try await Task.sleep(for: .seconds(4))
            return .null
        }

        // These tasks are retried.
        smoke("countdown_task_with_retry", []) { context, _ in
            guard context.retries < 1 else { return .int(Int64(context.retries)) }
            try context.retry(after: .seconds(3), maximumRetries: 1, cause: simulated)
        }
        smoke("non_eta_task_with_retries", []) { context, _ in
            guard context.retries < 2 else { return .int(Int64(context.retries)) }
            try context.retry(after: .seconds(3), maximumRetries: 2, cause: simulated)
        }
    }

    private static let simulated = TaskFailure("Exception", "Simulated failure")

    private static func smoke(
        _ name: String, _ required: [String], optional: [String] = [], takesRest: Bool = false,
        options: TaskOptions = TaskOptions(),
        handler: @escaping @Sendable (TaskContext, Arguments) async throws -> WireValue
    ) -> TaskHandler {
        suite(
            name, required, optional: optional, takesRest: takesRest, options: options, prefix: prefix, handler: handler
        )
    }
}
