import NIOConcurrencyHelpers

/// One caller's wait for the final results of some tasks.
final class ResultWait: Sendable {
    private struct State {
        var missing: Set<String>
        var results: [String: TaskResult] = [:]
        var error: (any Error)?
        var refetch = false
        var ended = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state: NIOLockedValueBox<State>

    /// Why ``next()`` returned.
    enum Event {
        case complete([String: TaskResult])
        case refetch(missing: [String])
        case ended(missing: Int)
    }

    init(_ taskIDs: some Sequence<String>) {
        state = NIOLockedValueBox(State(missing: Set(taskIDs)))
    }

    /// What is still waited for.
    var missing: [String] { state.withLockedValue { Array($0.missing) } }

    func fulfil(_ result: TaskResult) {
        update { state in
            guard state.missing.remove(result.taskID) != nil else { return }
            state.results[result.taskID] = result
        }
    }

    func fail(_ error: any Error) { update { $0.error = $0.error ?? error } }

    /// Asks the caller to fetch again what is missing.
    func needsFetch() { update { $0.refetch = true } }

    /// The caller waits no longer: its time is up, or it was cancelled.
    func end() { update { $0.ended = true } }

    private func update(_ change: (inout State) -> Void) {
        let waiter = state.withLockedValue { state in
            change(&state)
            guard state.missing.isEmpty || state.refetch || state.ended || state.error != nil else {
                return nil as CheckedContinuation<Void, Never>?
            }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits until everything is there or something else happens.
    func next() async throws -> Event {
        await withCheckedContinuation { continuation in
            let isDue = state.withLockedValue { state in
                if state.missing.isEmpty || state.refetch || state.ended || state.error != nil { return true }
                state.waiter = continuation
                return false
            }
            if isDue { continuation.resume() }
        }
        return try state.withLockedValue { state in
            if state.missing.isEmpty { return .complete(state.results) }
            if let error = state.error { throw error }
            if state.ended { return .ended(missing: state.missing.count) }
            state.refetch = false
            return .refetch(missing: Array(state.missing))
        }
    }
}
