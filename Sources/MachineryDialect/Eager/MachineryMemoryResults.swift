package import CeleriacCore
import MachineryWire
import NIOConcurrencyHelpers

/// Task states and groups in this process: Machinery's eager backend.
package final class MachineryMemoryResults: ResultStore {
    private let states = MemoryResultStore()
    /// The members of groups whose end has not been reported yet.
    private let groups = NIOLockedValueBox<[String: [String]]>([:])

    /// Creates an empty store.
    package init() {}

    /// `memory`.
    package var name: String { states.name }
    /// Empty, because no result arrives on a queue.
    package var replyTo: String { "" }
    /// False, because states are kept and can be read any number of times.
    package var deliversOnce: Bool { false }
    /// True, because the store counts the members that have ended.
    package var countsChords: Bool { true }

    /// Stores states.
    package func store(_ records: [ResultRecord]) async throws { try await states.store(records) }

    /// Passes on the states that are stored for these tasks from now on.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        try await states.watch(taskIDs, sink: sink)
    }

    /// Stops watching these tasks.
    package func unwatch(_ taskIDs: [String]) { states.unwatch(taskIDs) }

    /// Reads the stored states of these tasks; nil for a task without one.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await states.fetch(taskIDs) }

    /// Deletes the stored states of these tasks.
    package func forget(_ taskIDs: [String]) async throws { try await states.forget(taskIDs) }

    /// Stores groups, and returns, once for each chord, the states of all members when all have ended.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        var completions: [ChordCompletion?] = []
        for operation in operations {
            if case .save(let groupID, let payload, _) = operation,
                let members = try? MachineryGroupMeta.decode(payload).taskUUIDs
            {
                groups.withLockedValue { $0[groupID] = members }
            }
            completions.append(try await completion(of: operation))
        }
        return completions
    }

    private func completion(of operation: ChordOperation) async throws -> ChordCompletion? {
        guard let part = operation.chordPart, let members = groups.withLockedValue({ $0[part.groupID] }) else {
            return nil
        }
        let ended = try await states.fetch(members).compactMap(\.self).filter { bytes in
            (try? MachineryTaskState.decode(bytes).isCompleted) == true
        }
        // If several callers find that all have ended, only one gets the completion.
        guard ended.count == members.count,
            groups.withLockedValue({ $0.removeValue(forKey: part.groupID) }) != nil
        else { return nil }
        return ChordCompletion(claim: ChordClaim(groupID: part.groupID, token: ""), parts: ended, group: nil)
    }

    /// Does nothing.
    package func close() async {}
}

/// Keeps nothing: Machinery's null backend. Results cannot be read, and a chord's callback is sent after each member,
/// without their results.
package struct MachineryNullResults: ResultStore {
    /// Creates the store.
    package init() {}

    /// `null`.
    package var name: String { "null" }
    /// Empty, because there are no results.
    package var replyTo: String { "" }
    /// True, because this store keeps nothing.
    package var discardsResults: Bool { true }
    /// False, because nothing is delivered.
    package var deliversOnce: Bool { false }
    /// True, because a chord's callback is sent after each member.
    package var countsChords: Bool { true }

    /// Does nothing.
    package func store(_ records: [ResultRecord]) async throws {}

    /// Refuses, because no result will ever come.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        throw CeleriacError(.resultStore, "Task not found: the null backend keeps no results")
    }

    /// Does nothing.
    package func unwatch(_ taskIDs: [String]) {}

    /// Refuses, because there are no results.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        throw CeleriacError(.resultStore, "Task not found: the null backend keeps no results")
    }

    /// Does nothing.
    package func forget(_ taskIDs: [String]) async throws {}

    /// Counts nothing: see ``MachineryNullResults``.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        operations.map { _ in nil }
    }

    /// Does nothing.
    package func close() async {}
}

extension ChordOperation {
    /// The part that ended, if something follows from its header; nil for any other operation.
    var chordPart: ChordPart? {
        guard case .add(let part) = self, part.size != nil else { return nil }
        return part
    }
}
