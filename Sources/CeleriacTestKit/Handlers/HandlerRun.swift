public import CeleriacCore
public import CeleriacWire
import NIOConcurrencyHelpers

/// How a handler has ended that a test has called by `call` of a worker.
public struct HandlerRun<Value: Sendable>: Sendable {
    /// How a handler ends.
    public enum End: Sendable {
        /// It returned.
        case returned(Value)
        /// It called `retry`: after how long, nil for what the task's policy says, and what went wrong.
        case retried(after: Duration?, cause: (any Error)?)
        /// It called `replace`, with this task in its place.
        case replaced(task: String?)
        /// It threw something else: a failure, `IgnoreResult`, `Rejection`, or an error of which its options say that it
        /// is retried.
        case threw(any Error)
    }

    /// How it ended.
    public let end: End
    /// The states that it stored with `update(state:value:)`, in order.
    public let states: [(state: TaskState, value: WireValue)]

    /// What it returned.
    ///
    /// - Throws: what the handler threw; ``TestKitError`` with code `noResult` if it was retried or replaced.
    public func get() throws -> Value {
        switch end {
        case .returned(let value): return value
        case .threw(let error): throw error
        case .retried(_, let cause):
            throw TestKitError(.noResult, "the handler asked for a retry: \(cause.map { "\($0)" } ?? "no cause")")
        case .replaced(let task):
            throw TestKitError(.noResult, "the handler has replaced its task by \(task ?? "nothing")")
        }
    }
}

extension TaskWorker {
    /// Calls the handler of a task here and now. The worker need not run.
    ///
    /// The handler gets a context with the arguments as the wire carries them, with the values that the worker's
    /// configuration shares, and within the worker's middleware. What it sends goes to the application's broker. Nothing
    /// else happens: there is no message, no stored result, no time limit and no retry.
    ///
    /// ```swift
    /// let run = try await worker.call(Tasks.resize("cat.png", 64), retries: 1)
    /// #expect(try run.get() == "64-cat.png")
    /// ```
    ///
    /// - Parameters:
    ///   - signature: the task with its arguments.
    ///   - retries: how often it was retried before.
    ///   - change: changes the request, for instance its headers.
    /// - Returns: how the handler has ended.
    /// - Throws: `CeleriacError` with code `argumentMismatch` or `unsupported` for a task that cannot be sent.
    public func call<Value: Sendable>(
        _ signature: Signature<Value>, retries: Int = 0, change: (inout TaskRequest) -> Void = { _ in }
    ) async throws -> HandlerRun<Value> {
        var request = try self.request(of: signature)
        request.retries = retries
        change(&request)
        let states = NIOLockedValueBox<[(state: TaskState, value: WireValue)]>([])
        let end: HandlerRun<Value>.End
        do {
            let value = try await callHandler(of: request) { state, value in
                states.withLockedValue { $0.append((state: state, value: value)) }
            }
            end = .returned(try self.value(value, of: signature))
        } catch let retry as RetryError {
            end = .retried(after: retry.delay, cause: retry.cause)
        } catch let replacement as ReplaceError {
            end = .replaced(task: replacement.task)
        } catch {
            end = .threw(error)
        }
        return HandlerRun(end: end, states: states.withLockedValue { $0 })
    }
}
