public import CeleriacCore

/// Keeps nothing: Machinery's null backend. Results cannot be read, and a chord's callback is sent after each member,
/// without their results.
public struct MachineryNullResults: ResultStore {
    /// Makes the store.
    public init() {}

    /// `null`.
    public var name: String { "null" }
    /// Nobody answers.
    public var replyTo: String { "" }
    /// Nothing is delivered.
    public var deliversOnce: Bool { false }
    /// Yes.
    public var countsChords: Bool { true }

    /// Does nothing.
    public func store(_ records: [ResultRecord]) async throws {}

    /// Refuses, since nothing will ever come.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        throw CeleriacError(.resultStore, "Task not found: the null backend keeps no results")
    }

    /// Does nothing.
    public func unwatch(_ taskIDs: [String]) {}

    /// Refuses.
    ///
    /// - Throws: ``CeleriacError`` with code `resultStore`.
    public func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        throw CeleriacError(.resultStore, "Task not found: the null backend keeps no results")
    }

    /// Does nothing.
    public func forget(_ taskIDs: [String]) async throws {}

    /// Counts nothing: see ``MachineryNullResults``.
    public func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        operations.map { _ in nil }
    }

    /// Does nothing.
    public func close() async {}
}
