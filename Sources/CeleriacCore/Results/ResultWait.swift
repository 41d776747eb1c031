import NIOConcurrencyHelpers

/// One caller's wait for the final results of some tasks: until all of them have arrived, or one of the tasks has
/// failed.
final class ResultWait: ResultListener {
    private struct State {
        var missing: Set<String>
        /// Tasks that matter only if they fail.
        let watched: Set<String>
        var hasFailed = false
        var results: [String: TaskResult] = [:]
        var error: (any Error)?
        var refetch = false
        var ended = false
        var waiter: CheckedContinuation<Void, Never>?

        var isComplete: Bool { missing.isEmpty || hasFailed }
        var isDue: Bool { isComplete || refetch || ended || error != nil }
        var unknown: [String] { missing + watched.filter { results[$0] == nil } }
    }
    private let state: NIOLockedValueBox<State>

    /// Why ``next()`` returned.
    enum Event {
        case complete([String: TaskResult])
        case refetch(missing: [String])
        case ended(missing: Int)
    }

    init(_ taskIDs: some Sequence<String>, orFailureOf others: some Sequence<String> = EmptyCollection()) {
        let missing = Set(taskIDs)
        state = NIOLockedValueBox(State(missing: missing, watched: Set(others).subtracting(missing)))
    }

    /// The tasks whose results are still to come.
    var missing: [String] { state.withLockedValue { $0.isComplete ? [] : $0.unknown } }

    /// Takes a final result. Other states are not what it waits for.
    func take(_ result: TaskResult) {
        guard result.state.isFinal else { return }
        update { state in
            let isKnown = state.missing.remove(result.taskID) == nil
            guard !isKnown || state.watched.contains(result.taskID) else { return }
            state.results[result.taskID] = result
            if result.hasFailed { state.hasFailed = true }
        }
    }

    func fail(_ error: any Error) { update { $0.error = $0.error ?? error } }

    /// Asks the caller to fetch again what is missing.
    func needsFetch() { update { $0.refetch = true } }

    /// Ends the wait, because its time is up or the caller was cancelled.
    func end() { update { $0.ended = true } }

    private func update(_ change: (inout State) -> Void) {
        let waiter = state.withLockedValue { state in
            change(&state)
            guard state.isDue else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits until every result has arrived, a task has failed, or something else happens.
    func next() async throws -> Event {
        await withCheckedContinuation { continuation in
            let isDue = state.withLockedValue { state in
                if state.isDue { return true }
                state.waiter = continuation
                return false
            }
            if isDue { continuation.resume() }
        }
        return try state.withLockedValue { state in
            if state.isComplete { return .complete(state.results) }
            if let error = state.error { throw error }
            if state.ended { return .ended(missing: state.missing.count) }
            state.refetch = false
            return .refetch(missing: state.unknown)
        }
    }
}
