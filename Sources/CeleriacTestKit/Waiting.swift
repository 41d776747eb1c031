public import CeleriacCore

/// Suspends until `condition` holds.
///
/// The test's own time limit ends a futile wait: it cancels the test's task, which makes this function return.
///
/// - Throws: What `condition` throws.
public func until(
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async rethrows {
    while !Task.isCancelled, !(try await condition()) { try? await Task.sleep(for: .milliseconds(5)) }
}

/// Runs a worker while `body` runs, starting once the worker takes messages. Then it stops the worker gracefully and
/// waits for it to end, even if `body` throws.
///
/// - Throws: The error of `body`, or else the error of the worker's `run()`.
@discardableResult
public func withRunning<Value: Sendable>(
    _ worker: TaskWorker, _ body: () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await worker.run() }
        let result: Result<Value, any Error>
        do {
            try await worker.ready()
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        worker.stop()
        let end = await group.nextResult()
        let value = try result.get()
        try end?.get()
        return value
    }
}
