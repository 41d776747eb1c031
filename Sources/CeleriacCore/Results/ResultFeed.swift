import NIOConcurrencyHelpers

/// The final results of many tasks, as they arrive, for one reader. It listens at the client's hub, so that one watch and
/// one question serve all of its tasks.
package final class ResultFeed: Sendable {
    /// The final results, each task's once.
    package let results: AsyncStream<TaskResult>

    private let continuation: AsyncStream<TaskResult>.Continuation
    private let client: TaskClient
    private let counts: @Sendable (TaskResult) -> Bool
    private let listeners = NIOLockedValueBox<[String: FeedListener]>([:])

    /// The most tasks for which the store is asked at once.
    private static let page = 500

    /// Makes a feed of a client with a result store.
    ///
    /// - Parameters:
    ///   - client: the client.
    ///   - counts: whether a final result ends the wait for its task; after any other the feed waits on. It is called on any
    ///     thread.
    package init(_ client: TaskClient, where counts: @escaping @Sendable (TaskResult) -> Bool = { _ in true }) {
        self.client = client
        self.counts = counts
        (results, continuation) = AsyncStream.makeStream(of: TaskResult.self)
    }

    /// How many tasks are awaited.
    package var count: Int { listeners.withLockedValue { $0.count } }

    /// Awaits tasks.
    ///
    /// - Throws: the store's error. The tasks are awaited all the same; ``look()`` asks for them again.
    package func add(_ ids: [String]) async throws {
        guard let store = client.store, !ids.isEmpty else { return }
        for id in ids {
            let listener = FeedListener(id, where: counts) { [continuation] in continuation.yield($0) }
            let isNew = listeners.withLockedValue { listeners in
                guard listeners[id] == nil else { return false }
                listeners[id] = listener
                return true
            }
            if isNew { client.hub.begin(listener) }
        }
        // Subscribe, then read: a result that is stored in between arrives either way.
        try await store.watch(ids, sink: client.hub)
        try await fetch(ids, from: store)
    }

    /// Asks the store for all tasks that are awaited.
    package func look() async throws {
        guard let store = client.store else { return }
        try await fetch(listeners.withLockedValue { Array($0.keys) }, from: store)
    }

    private func fetch(_ ids: [String], from store: any ResultStore) async throws {
        var rest = ids[...]
        while !rest.isEmpty {
            try await client.fetch(Array(rest.prefix(Self.page)), from: store)
            rest = rest.dropFirst(Self.page)
        }
    }

    /// Puts a result of the reader's own among those that arrive.
    package func insert(_ result: TaskResult) { continuation.yield(result) }

    /// Awaits a task no longer.
    ///
    /// - Returns: whether it was awaited.
    @discardableResult
    package func remove(_ id: String) -> Bool {
        guard let listener = listeners.withLockedValue({ $0.removeValue(forKey: id) }) else { return false }
        client.hub.end(listener, [id]) { client.store?.unwatch($0) }
        return true
    }

    /// Ends ``results``, and awaits nothing any more.
    package func finish() {
        continuation.finish()
        for id in listeners.withLockedValue({ Array($0.keys) }) { remove(id) }
    }
}

/// One who waits for one task on behalf of a feed.
private final class FeedListener: ResultListener {
    private let id: String
    private let hasEnded = NIOLockedValueBox(false)
    private let counts: @Sendable (TaskResult) -> Bool
    private let pass: @Sendable (TaskResult) -> Void

    init(
        _ id: String, where counts: @escaping @Sendable (TaskResult) -> Bool,
        pass: @escaping @Sendable (TaskResult) -> Void
    ) {
        self.id = id
        self.counts = counts
        self.pass = pass
    }

    var missing: [String] { hasEnded.withLockedValue { $0 } ? [] : [id] }

    func take(_ result: TaskResult) {
        guard result.state.isFinal, counts(result) else { return }
        let isFirst = hasEnded.withLockedValue { ended in
            defer { ended = true }
            return !ended
        }
        if isFirst { pass(result) }
    }

    /// The hub has logged it; a later state may be readable.
    func fail(_ error: any Error) {}

    /// Who reads the feed looks again at an interval.
    func needsFetch() {}
}
