package import CeleriacCore
import NIOConcurrencyHelpers

/// Why a server refuses everything that it is asked.
package struct RefusalOfAll: TransportError {
    package let isRefusedLogin: Bool
    package let isRefusalOfAll = true
    package let mayHaveArrived = false

    package init(isRefusedLogin: Bool = false) { self.isRefusedLogin = isRefusedLogin }
}

/// A result store in memory that answers, cannot be reached or stands still, as a test says.
package final class ScriptedStore: ResultStore {
    package enum Mode: Sendable {
        case up, down, frozen, refusing, refusingAll
    }
    private struct State {
        var mode: Mode
        var thawed = Gate()
        var calls = 0
    }
    package let memory = MemoryResultStore()
    package let countsChords: Bool
    private let state: NIOLockedValueBox<State>

    package init(_ mode: Mode = .up, countsChords: Bool = false) {
        self.countsChords = countsChords
        state = NIOLockedValueBox(State(mode: mode))
    }

    package var name: String { "scripted://store" }

    /// How often somebody has asked for states to be stored.
    package var calls: Int { state.withLockedValue { $0.calls } }

    /// Changes what the store does. Calls that waited go on, and do what it does now.
    package func become(_ mode: Mode) {
        let thawed = state.withLockedValue { state in
            state.mode = mode
            defer { state.thawed = Gate() }
            return state.thawed
        }
        thawed.open()
    }

    private func answer() async throws {
        while true {
            let (mode, thawed) = state.withLockedValue { ($0.mode, $0.thawed) }
            switch mode {
            case .up: return
            case .down: throw CeleriacError(.unavailable, "nobody listens")
            case .refusing: throw CeleriacError(.resultStore, "no")
            case .refusingAll: throw CeleriacError(.resultStore, "no such database", cause: RefusalOfAll())
            case .frozen: await thawed.wait()
            }
        }
    }

    package func store(_ records: [ResultRecord]) async throws {
        state.withLockedValue { $0.calls += 1 }
        try await answer()
        try await memory.store(records)
    }

    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        try await answer()
        return operations.map { _ in nil }
    }

    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await memory.fetch(taskIDs) }
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        try await memory.watch(taskIDs, sink: sink)
    }
    package func unwatch(_ taskIDs: [String]) { memory.unwatch(taskIDs) }
    package func forget(_ taskIDs: [String]) async throws {}
}
