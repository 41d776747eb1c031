import CeleriacCore
import CeleriacWire
import CeleryWire

/// `celery.chord_unlock`: polls the results of a chord's header, for result stores that do not count them, until all
/// are there.
struct ChordUnlock {
    /// How long to wait before it polls again, unless the message says so: `result_chord_retry_interval`.
    let retryInterval: Duration

    var handler: TaskHandler {
        TaskHandler(
            "celery.chord_unlock",
            options: TaskOptions(
                ignoresResult: true, retry: RetryPolicy(maximumRetries: nil, delay: .fixed(retryInterval)))
        ) { context in
            try await run(context)
            return .null
        }
    }

    private struct Call {
        let body: WireValue
        let header: [CeleryResultTuple]
        let interval: Duration?
        let maximumRetries: Int?

        init(_ arguments: BuiltInArguments) throws(TaskFailure) {
            guard try arguments.required("group_id").stringValue != nil else {
                throw arguments.error("argument 'group_id' is not text")
            }
            body = try arguments.required("callback")
            do {
                _ = try CelerySignature.decode(body)
                header = try arguments.list("result").map { try CeleryResultTuple.decode($0) }
            } catch let error as CeleryWireError {
                throw arguments.error(error.message)
            } catch {
                throw error as? TaskFailure ?? arguments.error("\(error)")
            }
            let seconds = try arguments.number("interval")
            guard 0...3.2e9 ~= seconds ?? 0 else { throw arguments.error("argument 'interval' is not a time") }
            interval = seconds.map { .seconds($0) }
            maximumRetries = try arguments.number("max_retries").map { Int(clamping: Int64(max(0, min($0, 1e15)))) }
        }
    }

    private func run(_ context: TaskContext) async throws {
        let arguments = BuiltInArguments(
            context.request, "group_id", "callback", "interval", "max_retries", "result")
        let call: Call
        do {
            call = try Call(arguments)
        } catch {
            context.leave(CeleryStep.storeFailure(error))
            if let body = arguments["callback"] {
                let text = "chord_unlock: \(ChordResults.text(error))"
                context.leave(CeleryStep.endChord(body: body, .failure(ChordResults.Failure(text))))
            }
            throw error
        }
        let ids = call.header.flatMap(\.taskIDs)
        let stored: [TaskResult?]
        do {
            stored = try await context.results(of: ids)
        } catch let error as CeleriacError where error.code == .configuration {
            // Polling again would not help.
            throw giveUp(call, TaskFailure("NotImplementedError", error.message), context)
        } catch {
            try again(call, cause: error, context)
        }
        guard stored.allSatisfy({ $0?.state.isFinal == true }) else { try again(call, cause: nil, context) }
        context.leave(CeleryStep.endChord(body: call.body, Self.join(call.header, ids, stored)))
    }

    /// The results in the order of the header, or the failure of the first that did not succeed.
    private static func join(
        _ header: [CeleryResultTuple], _ ids: [String], _ stored: [TaskResult?]
    ) -> Result<[WireValue], ChordResults.Failure> {
        var values: [String: WireValue] = [:]
        for (id, result) in zip(ids, stored) {
            if let error = result?.error {
                var failure = error.failure
                failure.traceback = nil
                return .failure(ChordResults.Failure(dependency: id, failure))
            }
            values[id] = result?.value
        }
        var joined: [WireValue] = []
        for member in header {
            guard let value = ChordResults.value(of: member, in: values) else {
                return .failure(ChordResults.Failure("Join error: the result of \(member.id) is missing"))
            }
            joined.append(value)
        }
        return .success(joined)
    }

    private func again(_ call: Call, cause: (any Error)?, _ context: TaskContext) throws -> Never {
        if let maximum = call.maximumRetries, context.retries >= maximum {
            let failure =
                cause.map { TaskFailure($0, task: context.request.name, id: context.id) }
                ?? TaskFailure(
                    "MaxRetriesExceededError", module: "celery.exceptions",
                    "Can't retry \(context.request.name)[\(context.id)]: retried \(context.retries) times")
            throw giveUp(call, failure, context)
        }
        try context.retry(after: call.interval, cause: cause)
    }

    /// Fails the body, because nothing will poll again.
    private func giveUp(_ call: Call, _ failure: TaskFailure, _ context: TaskContext) -> TaskFailure {
        let text = "chord_unlock could not be retried: \(ChordResults.text(failure))"
        context.leave(CeleryStep.endChord(body: call.body, .failure(ChordResults.Failure(text, cause: failure))))
        return failure
    }
}

extension CeleryResultTuple {
    /// The ids of the tasks in it, in order.
    fileprivate var taskIDs: [String] { members.map { $0.flatMap(\.taskIDs) } ?? [id] }
}
