import CeleriacWire

// Reading results, for the handles on them.
extension TaskClient {
    /// Waits for the final result of a task, or for those of all members of a group; or for the failure of a task that
    /// keeps it from ever running.
    func finalResult(of reference: ResultReference, timeout: Duration?) async throws -> TaskResult {
        let preceding = precedingTasks(of: reference)
        let results = try await finalResults(of: reference.lastTaskIDs, orFailureOf: preceding, timeout: timeout)
        guard let result = reference.result(in: results, after: preceding) else {
            throw CeleriacError(.resultStore, "no result for task \(reference.id)")
        }
        return result
    }

    /// The tasks before a task in its chain, or before the members of a group, if their failure would leave that task
    /// without a state.
    func precedingTasks(of reference: ResultReference) -> [String] {
        guard dialect.chainsEndSilently else { return [] }
        return (reference.parent?.taskIDs ?? []).reversed()
            + (reference.members ?? []).flatMap { precedingTasks(of: $0) }
    }

    /// Waits until all tasks have a final result, or one of them or of the others has failed.
    ///
    /// - Parameters:
    ///   - ids: the tasks to wait for.
    ///   - others: tasks that matter only if they fail.
    ///   - timeout: how long to wait at most; nil for as long as it takes.
    /// - Returns: the results that have arrived, by the tasks' ids.
    /// - Throws: ``CeleriacError``, with code `timeout` when the time is up; `CancellationError`.
    func finalResults(
        of ids: [String], orFailureOf others: some Sequence<String> = EmptyCollection(), timeout: Duration?
    ) async throws -> [String: TaskResult] {
        guard let store else {
            throw CeleriacError(
                .configuration, "there is no result store: give the application one, or send with ignoresResult")
        }
        let wait = ResultWait(ids, orFailureOf: others)
        let ids = ids + others
        hub.begin(wait)
        let timer = timeout.map { timers.schedule(after: $0) { wait.end() } }
        defer {
            timer?.cancel()
            hub.end(wait, ids) { store.unwatch($0) }
        }
        return try await withTaskCancellationHandler {
            let missing = wait.missing
            if !missing.isEmpty {
                // Subscribe, then read: a result that is stored in between arrives either way.
                try await store.watch(missing, sink: hub)
                try await fetch(wait.missing, from: store)
            }
            return try await complete(wait, store: store, timeout: timeout)
        } onCancel: {
            wait.end()
        }
    }

    private func complete(_ wait: ResultWait, store: any ResultStore, timeout: Duration?) async throws
        -> [String: TaskResult]
    {
        while true {
            // A store that does not notify anybody of results must be polled.
            let poll = store.pollInterval.map { timers.schedule(after: $0) { wait.needsFetch() } }
            defer { poll?.cancel() }
            switch try await wait.next() {
            case .complete(let results):
                return results
            case .refetch(let missing):
                do {
                    try await fetch(missing, from: store)
                } catch let error as CeleriacError where error.code == .unavailable && poll != nil {
                    // A store that is polled may be out of reach for a while.
                }
            case .ended(let missing):
                try Task.checkCancellation()
                throw CeleriacError(
                    .timeout,
                    "\(missing.counting("result")) did not arrive within \(timeout?.description ?? "the time given")")
            }
        }
    }

    /// Reads what is stored for tasks now, for all who wait for them.
    func fetch(_ ids: [String], from store: any ResultStore) async throws {
        let payloads = try await store.fetch(ids)
        hub.receive(zip(ids, payloads).compactMap { id, payload in payload.map { (id, $0) } })
    }

    func currentResult(of id: String) async throws -> TaskResult? {
        guard let store else { return nil }
        return store.deliversOnce ? hub.latest(id) : try await currentResults(of: [id]).first ?? nil
    }

    /// Returns what is stored for tasks now, in their order; nil for a task for which nothing is stored.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the client has no store whose results can be read
    ///   again.
    func currentResults(of ids: [String]) async throws -> [TaskResult?] {
        guard let store, !store.deliversOnce else {
            throw CeleriacError(.configuration, "there is no result store that can be asked for results")
        }
        return try zip(ids, try await store.fetch(ids)).map { id, payload in
            guard let payload else { return nil }
            var result = try dialect.result(from: payload)
            // Some peers leave the id out of the state.
            result.taskID = id
            return result
        }
    }

    /// Deletes results that have expired, if the store does not do that by itself.
    func removeExpiredResults() async throws {
        guard let store, let expiry = configuration.resultExpiry else { return }
        try await store.removeResults(olderThan: expiry)
    }

    /// Reads the results of a task, or of the members of a group, at an interval, until they are final or a task has
    /// failed that keeps it from ever running.
    func finalResult(
        of reference: ResultReference, every interval: Duration, timeout: Duration?
    ) async throws -> TaskResult {
        let timeIsUp = Gate()
        let timer = timeout.map { timers.schedule(after: $0) { timeIsUp.open() } }
        defer { timer?.cancel() }
        guard store != nil else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        let preceding = precedingTasks(of: reference)
        var results: [String: TaskResult] = [:]
        while true {
            for id in reference.lastTaskIDs + preceding where results[id] == nil {
                if let result = try await currentResult(of: id), result.state.isFinal { results[id] = result }
            }
            if let result = reference.result(in: results, after: preceding) { return result }
            if timeIsUp.isOpen {
                throw CeleriacError(.timeout, "a result did not arrive within \(timeout ?? .zero)")
            }
            try await timers.sleep(for: interval)
        }
    }

    func forget(_ id: String) async throws {
        try await store?.forget([id])
    }

    func value<Value>(of result: TaskResult, coding: ResultCoding<Value>) throws -> Value {
        if let error = result.error { throw error }
        guard result.state == .success else {
            throw RemoteTaskError(
                taskID: result.taskID, state: result.state, type: result.state.rawValue, module: nil,
                arguments: [result.value])
        }
        do {
            return try coding.decode(result.value, decoder)
        } catch {
            throw CeleriacError(
                .resultMismatch, "the result of task \(result.taskID) is not a \(Value.self)", cause: error)
        }
    }

    // MARK: Groups

    func save<Element>(_ group: GroupResult<Element>) async throws {
        try await requiredStore().storeGroup(
            group.id, payload: try dialect.payload(ofGroup: group.reference), expiry: configuration.resultExpiry)
    }

    func restoreGroup<Element>(_ id: String, coding: ResultCoding<Element>) async throws -> GroupResult<Element>? {
        guard let payload = try await requiredStore().fetchGroup(id) else { return nil }
        return GroupResult(try dialect.group(from: payload), client: self, coding: coding)
    }

    func forgetGroup(_ id: String) async throws { try await requiredStore().forgetGroup(id) }

    func requiredStore() throws -> any ResultStore {
        guard let store else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        return store
    }
}
