public import CeleriacCore
import MachineryWire
import NIOConcurrencyHelpers

/// States and groups in this process: Machinery's eager backend.
public final class MachineryMemoryResults: ResultStore {
    private let states = MemoryResultStore()
    /// The members of groups whose end nobody has been told of.
    private let groups = NIOLockedValueBox<[String: [String]]>([:])

    /// Makes an empty store.
    public init() {}

    /// `memory`.
    public var name: String { states.name }
    /// Nobody answers on a queue.
    public var replyTo: String { "" }
    /// States are kept to be read as often as one likes.
    public var deliversOnce: Bool { false }
    /// Yes.
    public var countsChords: Bool { true }

    /// Stores states.
    public func store(_ records: [ResultRecord]) async throws { try await states.store(records) }

    /// Passes on what is stored for these tasks from now on.
    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        try await states.watch(taskIDs, sink: sink)
    }

    /// Ends the watch for these tasks.
    public func unwatch(_ taskIDs: [String]) { states.unwatch(taskIDs) }

    /// The stored states of these tasks; nil where there is none.
    public func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await states.fetch(taskIDs) }

    /// Deletes what is stored for these tasks.
    public func forget(_ taskIDs: [String]) async throws { try await states.forget(taskIDs) }

    /// Stores groups, and tells, once for each chord, the states of all members when all have ended.
    public func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
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
        // Of several that find all ended, one has it.
        guard ended.count == members.count,
            groups.withLockedValue({ $0.removeValue(forKey: part.groupID) }) != nil
        else { return nil }
        return ChordCompletion(claim: ChordClaim(groupID: part.groupID, token: ""), parts: ended, group: nil)
    }

    /// Does nothing.
    public func close() async {}
}
