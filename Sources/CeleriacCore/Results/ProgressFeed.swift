import NIOConcurrencyHelpers

/// What one reader of a task's progress has still to read: the latest state, and no older one.
final class ProgressFeed: ResultListener {
    /// What a reader gets.
    enum Event: Sendable {
        case state(TaskResult)
        /// What is stored must be fetched.
        case refetch
        /// The time is up, or the reader was cancelled.
        case ended
    }
    private struct State {
        /// The state that was read last, or is to be read next.
        var latest: TaskResult?
        var isUnread = false
        var error: (any Error)?
        var refetch = false
        var ended = false

        mutating func nextEvent() throws -> Event? {
            if isUnread, let latest {
                isUnread = false
                return .state(latest)
            }
            if let error { throw error }
            if ended { return .ended }
            guard refetch else { return nil }
            refetch = false
            return .refetch
        }
    }
    /// The task.
    let taskID: String
    /// The task, and those before it whose failure is its end.
    let missing: [String]
    private let state = NIOLockedValueBox(State())
    private let news = WakeSignal()

    init(_ taskID: String, orFailureOf others: [String]) {
        self.taskID = taskID
        self.missing = [taskID] + others
    }

    func take(_ result: TaskResult) {
        guard result.taskID == taskID || result.hasFailed else { return }
        change { state in
            // Nothing follows a final state, and what is fetched once more is no news.
            guard state.latest?.state.isFinal != true, state.latest != result else { return }
            (state.latest, state.isUnread) = (result, true)
        }
    }

    /// Notes that nothing is stored, unless something has arrived.
    func noteNothingStored() {
        let taskID = taskID
        change { state in
            guard state.latest == nil else { return }
            (state.latest, state.isUnread) = (TaskResult(taskID: taskID, state: .pending), true)
        }
    }

    func fail(_ error: any Error) { change { $0.error = $0.error ?? error } }

    func needsFetch() { change { $0.refetch = true } }

    /// Ends the wait, because its time is up or the reader was cancelled.
    func end() { change { $0.ended = true } }

    private func change(_ change: (inout State) -> Void) {
        state.withLockedValue { change(&$0) }
        news.wake()
    }

    /// Waits for what comes next.
    func next() async throws -> Event {
        while true {
            if let event = try state.withLockedValue({ try $0.nextEvent() }) { return event }
            await news.wait()
        }
    }
}

/// One reader's subscription to the states of a task, which ends with the last reference to it.
final class ProgressWatch: Sendable {
    private let client: TaskClient
    private let store: any ResultStore
    private let feed: ProgressFeed
    private let timeout: Duration?
    private let timer: (any RunningTimer)?
    private let isSubscribed = NIOLockedValueBox(false)

    init(_ reference: ResultReference, client: TaskClient, timeout: Duration?) throws {
        let store = try client.requiredStore()
        let feed = ProgressFeed(reference.id, orFailureOf: client.precedingTasks(of: reference))
        self.client = client
        self.store = store
        self.feed = feed
        self.timeout = timeout
        timer = timeout.map { client.timers.schedule(after: $0) { feed.end() } }
        client.hub.begin(feed)
    }

    deinit {
        timer?.cancel()
        client.hub.end(feed, feed.missing) { [store] ids in store.unwatch(ids) }
    }

    /// Waits for the next state.
    ///
    /// - Throws: ``CeleriacError``, with code `timeout` when the time is up; `CancellationError`.
    func next() async throws -> TaskResult {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            if !isSubscribed.withLockedValue({ $0 }) {
                // As for a final result: subscribe, then read.
                try await store.watch(feed.missing, sink: client.hub)
                try await client.fetch(feed.missing, from: store)
                feed.noteNothingStored()
                isSubscribed.withLockedValue { $0 = true }
            }
            return try await nextState()
        } onCancel: {
            feed.end()
        }
    }

    private func nextState() async throws -> TaskResult {
        while true {
            let poll = store.pollInterval.map { client.timers.schedule(after: $0) { [feed] in feed.needsFetch() } }
            defer { poll?.cancel() }
            switch try await feed.next() {
            case .state(let result): return result
            case .refetch:
                do {
                    try await client.fetch(feed.missing, from: store)
                } catch let error as CeleriacError where error.code == .unavailable && poll != nil {
                    // A store that is polled may be out of reach for a while.
                }
            case .ended:
                try Task.checkCancellation()
                throw CeleriacError(
                    .timeout, "the task did not end within \(timeout?.description ?? "the time given")")
            }
        }
    }
}
