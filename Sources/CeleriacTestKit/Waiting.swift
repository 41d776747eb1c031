public import CeleriacCore

/// Suspends until `condition` holds.
///
/// A test's own time limit ends a wait in vain: it cancels the test's task, at which this function returns.
///
/// - Throws: What `condition` throws.
public func until(
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async rethrows {
    while !Task.isCancelled, !(try await condition()) { try? await Task.sleep(for: .milliseconds(5)) }
}

/// Runs a worker while `body` runs, from the time at which it takes messages. Then stops it gracefully and waits for its
/// end, also when `body` throws.
///
/// - Throws: What `body` throws, else what the worker's `run()` throws.
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
