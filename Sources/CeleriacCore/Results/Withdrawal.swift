import Logging

/// How a task is withdrawn of which nobody waits for the result any more.
struct Withdrawal: Sendable {
    /// Whether to end the task if it runs.
    var terminate: Bool
    /// The name of the signal that ends a task's process where there is one; nil for the usual one.
    var signal: String?
}

extension TaskClient {
    /// How long a caller that was cancelled waits at most until its task is withdrawn.
    private static let patience = Duration.seconds(4)

    /// Waits for tasks, and withdraws them if the caller is cancelled meanwhile.
    ///
    /// - Parameters:
    ///   - ids: the tasks.
    ///   - withdrawal: how they are withdrawn; nil to leave them alone.
    ///   - wait: the wait.
    /// - Returns: what `wait` returns.
    /// - Throws: what `wait` throws; `CancellationError` if a call of it ended because the caller was cancelled.
    func waiting<Value: Sendable>(
        for ids: [String], _ withdrawal: Withdrawal?, _ wait: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await wait()
        } catch {
            guard Task.isCancelled else { throw error }
            if let withdrawal { await withdraw(ids, withdrawal) }
            if error.comesOfCancellation { throw CancellationError() }
            throw error
        }
    }

    /// Tells workers to drop tasks, in a Swift task of its own: a transport refuses the calls of a cancelled one.
    private func withdraw(_ ids: [String], _ withdrawal: Withdrawal) async {
        let isOver = Gate()
        Task {
            do {
                try await revoke(ids, terminate: withdrawal.terminate, signal: withdrawal.signal)
            } catch {
                logger.warning(
                    "could not revoke tasks whose caller was cancelled",
                    metadata: ["tasks": "\(ids)", "error": "\(error)"])
            }
            isOver.open()
        }
        await isOver.wait(atMost: Self.patience, timers: timers)
    }
}
