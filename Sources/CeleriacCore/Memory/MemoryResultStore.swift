import NIOConcurrencyHelpers

/// A result store in this process, for tests and for a producer and a worker in one program.
public final class MemoryResultStore: ResultStore {
    private struct State {
        var payloads: [String: (payload: [UInt8], state: TaskState)] = [:]
        var watches: [String: any ResultSink] = [:]
        var groups: [String: [UInt8]] = [:]
    }
    private let state = NIOLockedValueBox(State())

    /// Creates an empty store.
    public init() {}

    /// `memory`.
    public var name: String { "memory" }

    /// Empty: clients fetch results, and nobody answers on a queue.
    public var replyTo: String { "" }

    /// False: results are kept and can be read any number of times.
    public var deliversOnce: Bool { false }

    /// Stores states and passes them to whoever watches their tasks. A stored success stays.
    public func store(_ records: [ResultRecord]) async throws {
        for record in records {
            let sink: (any ResultSink)? = state.withLockedValue { state in
                if state.payloads[record.taskID]?.state == .success { return nil }
                state.payloads[record.taskID] = (record.payload, record.state)
                return state.watches[record.taskID]
            }
            sink?.receive([(record.taskID, record.payload)])
        }
    }

    /// Passes on what is stored for these tasks from now on.
    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        state.withLockedValue { state in for id in taskIDs { state.watches[id] = sink } }
    }

    /// Ends the watch for these tasks.
    public func unwatch(_ taskIDs: [String]) {
        state.withLockedValue { state in for id in taskIDs { state.watches[id] = nil } }
    }

    /// The stored states of these tasks; nil for a task without one.
    public func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        state.withLockedValue { state in taskIDs.map { state.payloads[$0]?.payload } }
    }

    /// Deletes what is stored for these tasks.
    public func forget(_ taskIDs: [String]) async throws {
        state.withLockedValue { state in for id in taskIDs { state.payloads[id] = nil } }
    }

    /// Stores which results belong to a group.
    public func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        state.withLockedValue { $0.groups[id] = payload }
    }

    /// What is stored for a group, or nil.
    public func fetchGroup(_ id: String) async throws -> [UInt8]? { state.withLockedValue { $0.groups[id] } }

    /// Deletes what is stored for a group.
    public func forgetGroup(_ id: String) async throws { state.withLockedValue { $0.groups[id] = nil } }

    /// Does nothing.
    public func close() async {}
}
