package import CeleriacCore
import CeleriacWire
import CeleryWire

/// The tasks that every Celery worker has.
package enum CeleryBuiltIns {
    /// Makes the handlers of these tasks. A handler that waits for a chord's header checks it again after
    /// `chordRetryInterval`.
    package static func handlers(chordRetryInterval: Duration) -> [TaskHandler] {
        [
            TaskHandler("celery.accumulate") { context in
                let arguments = context.request.arguments
                guard let index = context.request.keywordArguments["index"], !index.isNull else {
                    return .array(arguments)
                }
                // As in Python, a negative index counts from the end.
                guard let index = index.intValue, case let position = index < 0 ? arguments.count + index : index,
                    arguments.indices.contains(position)
                else { throw TaskFailure("IndexError", "tuple index out of range") }
                return arguments[position]
            },
            TaskHandler("celery.ping") { _ in "pong" },
            TaskHandler("celery.backend_cleanup") { context in
                try await context.removeExpiredResults()
                return .null
            },
            ChordUnlock(retryInterval: chordRetryInterval).handler,
        ] + itemTasks + canvasTasks
    }

    // MARK: One task for many items

    private static let itemTasks: [TaskHandler] = [
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
        TaskHandler("celery.chunks") { context in
            let arguments = BuiltInArguments(context.request, "task", "it", "n")
            guard let size = try arguments.number("n"), size >= 1, size <= 1e9 else {
                throw arguments.error("argument 'n' is not a size")
            }
            let chunks = CelerySignature(
                task: "celery.chunks",
                kwargs: [
                    "task": try task(of: arguments).encode(), "it": .array(try arguments.list("it")),
                    "n": .int(Int64(size)),
                ], subtaskType: "chunks")
            return try await apply(chunks, context)
        },
    ]

    private static func task(of call: BuiltInArguments) throws -> CelerySignature {
        do {
            return try CelerySignature.decode(try call.required("task"))
        } catch is CeleryWireError {
            throw call.error("argument 'task' is not a signature")
        }
    }

    /// Runs a task of this worker for each item of a list, one after another.
    private static func run(
        _ context: TaskContext, arguments: (WireValue) throws -> [WireValue]
    ) async throws -> WireValue {
        let call = BuiltInArguments(context.request, "task", "it")
        let signature = try task(of: call)
        var results: [WireValue] = []
        for item in try call.list("it") {
            // Like Python, call the task's function with the item, and ignore the rest of its signature.
            results.append(try await context.run(signature.task, arguments: try arguments(item)))
        }
        return .array(results)
    }

    // MARK: Canvases as tasks, as old senders call them

    private static let canvasTasks: [TaskHandler] = [
        TaskHandler("celery.group") { context in
            let call = BuiltInArguments(context.request, "tasks", "result", "group_id", "partial_args")
            let partial = try call.optionalList("partial_args")
            var options: WireObject = [:]
            if let id = call["group_id"] { options["task_id"] = id }
            let group = CelerySignature.group(try signatures(call, "tasks", partial), options: options)
            let applied = try await apply(group, context)
            return call["result"] ?? applied
        },
        TaskHandler("celery.chain") { _ in
            throw TaskFailure("NotImplementedError", "chain is not a real task")
        },
        TaskHandler("celery.chord") { context in
            let call = BuiltInArguments(
                context.request, "header", "body", "partial_args", "interval", "countdown", "max_retries")
            let canvas = CelerySignature(
                task: "celery.chord", args: try call.optionalList("partial_args"),
                kwargs: ["kwargs": [:], "header": try call.required("header"), "body": try call.required("body")],
                options: ["interval": call["interval"] ?? .null, "max_retries": call["max_retries"] ?? .null],
                subtaskType: "chord")
            return try await apply(canvas, context)
        },
    ]

    private static func signatures(
        _ call: BuiltInArguments, _ name: String, _ partial: [WireValue]
    ) throws -> [CelerySignature] {
        do {
            return try call.list(name).map { value in
                var signature = try CelerySignature.decode(value)
                if !signature.immutable { signature.args = partial + signature.args }
                return signature
            }
        } catch let error as CeleryWireError {
            throw call.error(error.message)
        }
    }

    /// Sends a canvas as the task's child; its result is the reference to the result to come.
    private static func apply(_ canvas: CelerySignature, _ context: TaskContext) async throws -> WireValue {
        do {
            return CeleryResultTuple(try await context.send(Signature(canvas)).reference).encode()
        } catch let error as CeleriacError where error.code == .unsupported {
            throw TaskFailure("ValueError", (error.cause as? CeleryWireError)?.message ?? error.message)
        }
    }
}

/// The arguments of a built-in task, by position or by name.
struct BuiltInArguments {
    private let request: TaskRequest
    private let parameters: [String]

    init(_ request: TaskRequest, _ parameters: String...) {
        self.request = request
        self.parameters = parameters
    }

    /// An argument; nil if it is absent or null.
    subscript(_ name: String) -> WireValue? {
        let position = parameters.firstIndex(of: name) ?? request.arguments.endIndex
        let value =
            request.arguments.indices.contains(position)
            ? request.arguments[position] : request.keywordArguments[name]
        return value?.isNull == true ? nil : value
    }

    /// A required argument.
    func required(_ name: String) throws(TaskFailure) -> WireValue {
        guard let value = self[name] else { throw error("missing required argument: '\(name)'") }
        return value
    }

    /// A required argument that is a list.
    func list(_ name: String) throws(TaskFailure) -> [WireValue] {
        guard let values = try required(name).arrayValue else { throw error("argument '\(name)' is not a list") }
        return values
    }

    /// A list; empty if the argument is absent or null.
    func optionalList(_ name: String) throws(TaskFailure) -> [WireValue] {
        self[name] == nil ? [] : try list(name)
    }

    /// A number; nil if the argument is absent or null.
    func number(_ name: String) throws(TaskFailure) -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw error("argument '\(name)' is not a number") }
        return number
    }

    /// Makes the failure that Python raises for a call with wrong arguments.
    func error(_ text: String) -> TaskFailure { TaskFailure("TypeError", "\(request.name)() \(text)") }
}
