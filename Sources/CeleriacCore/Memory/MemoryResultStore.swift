import Synchronization

/// Results in this process: for tests, and for producer and worker in one program.
public final class MemoryResultStore: ResultStore {
    private struct State {
        var payloads: [String: (payload: [UInt8], state: TaskState)] = [:]
        var watches: [String: any ResultSink] = [:]
    }
    private let state = Mutex(State())

    /// Makes an empty store.
    public init() {}

    public var name: String { "memory" }
    public var replyTo: String { "" }
    public var deliversOnce: Bool { false }

    public func store(_ records: [ResultRecord]) async throws {
        for record in records {
            let sink: (any ResultSink)? = state.withLock { state in
                if state.payloads[record.taskID]?.state == .success { return nil }
                state.payloads[record.taskID] = (record.payload, record.state)
                return state.watches[record.taskID]
            }
            sink?.receive([(record.taskID, record.payload)])
        }
    }

    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        state.withLock { state in for id in taskIDs { state.watches[id] = sink } }
    }

    public func unwatch(_ taskIDs: [String]) {
        state.withLock { state in for id in taskIDs { state.watches[id] = nil } }
    }

    public func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        state.withLock { state in taskIDs.map { state.payloads[$0]?.payload } }
    }

    public func forget(_ taskIDs: [String]) async throws {
        state.withLock { state in for id in taskIDs { state.payloads[id] = nil } }
    }

    public func close() async {}
}
