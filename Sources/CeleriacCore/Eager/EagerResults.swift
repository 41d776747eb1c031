import NIOConcurrencyHelpers

/// The results of tasks that run where they are sent. They go to those who hold handles on them, and into the other store
/// only if that is wanted: `task_store_eager_result`. The results of other tasks are in the other store.
package final class EagerResults: ResultStore {
    private struct Chord {
        var size: Int?
        var group: [UInt8]?
        var parts: [ChordPart] = []
        var isComplete = false
    }
    private struct State {
        var sink: (any ResultSink)?
        var chords: [String: Chord] = [:]
    }
    private let base: (any ResultStore)?
    private let keepsResults: Bool
    private let state = NIOLockedValueBox(State())

    /// Makes a store.
    ///
    /// - Parameters:
    ///   - base: the other store; nil for none.
    ///   - keepsResults: whether results go there, too.
    package init(base: (any ResultStore)?, keepsResults: Bool) {
        self.base = base
        self.keepsResults = keepsResults && base?.deliversOnce == false
    }

    /// Has results passed on to a sink, from the first.
    func attach(_ sink: any ResultSink) { state.withLockedValue { $0.sink = sink } }

    /// The other store's name.
    package var name: String { base?.name ?? "eager" }
    /// The other store's queue of replies, for tasks that are sent.
    package var replyTo: String { base?.replyTo ?? "" }
    /// True: a result goes to those who wait for it, and is gone.
    package var deliversOnce: Bool { true }
    /// True: the parts of a chord's header run in this process.
    package var countsChords: Bool { true }
    /// As the other store.
    package var fetchingRemoves: Bool { base?.fetchingRemoves ?? false }
    /// As the other store.
    package var expiresByItself: Bool { base?.expiresByItself ?? true }
    /// As the other store.
    package var pollInterval: Duration? { base?.pollInterval }

    // MARK: States

    /// Passes on states, and stores them.
    package func store(_ records: [ResultRecord]) async throws { try await store(records, keeps: true) }

    /// Passes on states, and stores them if that is wanted.
    func store(_ records: [ResultRecord], keeps: Bool) async throws {
        if keepsResults, keeps { try await base?.store(records) }
        state.withLockedValue { $0.sink }?.receive(records.map { ($0.taskID, $0.payload) })
    }

    /// Prepares for the results of tasks that are sent, where these come by a queue.
    func expectAnswers() async throws {
        guard let base, base.deliversOnce, let sink = state.withLockedValue({ $0.sink }) else { return }
        try await base.watch([], sink: sink)
    }

    /// Watches the other store. The results of this process are passed on in any case.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        if !taskIDs.isEmpty { try await base?.watch(taskIDs, sink: sink) }
    }

    /// Ends the watch at the other store.
    package func unwatch(_ taskIDs: [String]) { base?.unwatch(taskIDs) }

    /// What the other store has.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await base?.fetch(taskIDs) ?? taskIDs.map { _ in nil }
    }

    /// Deletes what the other store has.
    package func forget(_ taskIDs: [String]) async throws { try await base?.forget(taskIDs) }

    /// Deletes what the other store has.
    package func removeResults(olderThan age: Duration) async throws { try await base?.removeResults(olderThan: age) }

    /// Closes the other store.
    package func close() async { await base?.close() }

    // MARK: Chords and groups

    /// Counts the parts of chords whose tasks run in this process.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        state.withLockedValue { state in operations.map { Self.perform($0, &state.chords) } }
    }

    private static func perform(_ operation: ChordOperation, _ chords: inout [String: Chord]) -> ChordCompletion? {
        switch operation {
        case .open(let groupID, let size): chords[groupID, default: Chord()].size = size
        case .extend(let groupID):
            if let size = chords[groupID]?.size { chords[groupID]?.size = size + 1 }
        case .save(let groupID, let payload, _): chords[groupID, default: Chord()].group = payload
        case .close(let claim, _): chords[claim.groupID] = nil
        case .add(let part):
            guard var chord = chords[part.groupID], !chord.parts.contains(where: { $0.taskID == part.taskID }) else {
                return nil
            }
            chord.parts.append(part)
            defer { chords[part.groupID] = chord }
            guard let size = chord.size, chord.parts.count >= size, !chord.isComplete else { return nil }
            chord.isComplete = true
            return ChordCompletion(
                claim: ChordClaim(groupID: part.groupID, token: part.token),
                parts: chord.parts.sorted { ($0.index ?? .max) < ($1.index ?? .max) }.map(\.payload),
                group: chord.group)
        }
        return nil
    }

    /// Stores a group in the other store.
    package func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        try await groups().storeGroup(id, payload: payload, expiry: expiry)
    }

    /// A group that the other store has.
    package func fetchGroup(_ id: String) async throws -> [UInt8]? { try await groups().fetchGroup(id) }

    /// Deletes a group that the other store has.
    package func forgetGroup(_ id: String) async throws { try await groups().forgetGroup(id) }

    private func groups() throws -> any ResultStore {
        guard let base else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        return base
    }
}
