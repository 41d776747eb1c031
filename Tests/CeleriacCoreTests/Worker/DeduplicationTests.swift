import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

/// A store that cannot be reached.
private struct AbsentStore: ResultStore {
    var deliversOnce = false
    var name: String { "absent://" }
    func store(_ records: [ResultRecord]) async throws {}
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { throw CeleriacError(.unavailable, "away") }
    func forget(_ taskIDs: [String]) async throws {}
}

/// Celery's `worker_deduplicate_successful_tasks`.
@Suite("Deduplication", .timeLimit(.minutes(5))) struct DeduplicationTests {
    /// What a job leads to of whose task the store has a state, and how often its handler ran.
    private func perform(
        stored: TaskState?, isOn: Bool = true, redelivered: Bool = true, acknowledgesEarly: Bool = false,
        probe: ControlProbe = ControlProbe(), change: (inout TaskRequest) -> Void = { _ in }
    ) async throws -> (submitted: [String], runs: Int) {
        var configuration = WorkerConfiguration(queues: ["q"])
        configuration.deduplicatesSuccessfulTasks = isOn
        let runs = NIOLockedValueBox(0)
        let parts = Parts(configuration: configuration, observers: [probe]) {
            TaskHandler("work") { _ in
                runs.withLockedValue { $0 += 1 }
                return 2
            }
        }
        if let stored {
            let payload: WireValue = ["id": "1", "state": .string(stored.rawValue), "value": 5]
            try await parts.store.store([
                ResultRecord(taskID: "1", state: stored, payload: try WireJSON.encode(payload))
            ])
        }
        let job = try parts.job(acknowledgesEarly: acknowledgesEarly, redelivered: redelivered, change: change)
        await parts.runner.perform(job, in: Slot())
        return (parts.submitted, runs.withLockedValue { $0 })
    }

    @Test("a task that has succeeded before is acknowledged and does not run again")
    func success() async throws {
        let probe = ControlProbe()
        let again = try await perform(stored: .success, probe: probe)
        #expect(again.submitted == ["1: acknowledge"] && again.runs == 0)
        #expect(probe.told.isEmpty)
    }

    @Test("what comes after the result follows once more, since nobody may have done it")
    func chord() async throws {
        let again = try await perform(stored: .success) { $0.headers["group"] = "g" }
        #expect(again.submitted == ["1: chord, acknowledge"] && again.runs == 0)
    }

    @Test(
        "a task runs that has not succeeded",
        arguments: [TaskState?.none, .failure, .retry, .started] as [TaskState?])
    func others(_ stored: TaskState?) async throws {
        let again = try await perform(stored: stored)
        #expect(again.submitted == ["1: store SUCCESS, acknowledge"] && again.runs == 1)
    }

    @Test("only messages that come back and are acknowledged late are looked for, and only if that is set")
    func exceptions() async throws {
        #expect(try await perform(stored: .success, isOn: false).runs == 1)
        #expect(try await perform(stored: .success, redelivered: false).runs == 1)
        #expect(try await perform(stored: .success, acknowledgesEarly: true).runs == 1)
    }

    @Test("a store that does not say lets the task run, and one that keeps no results is not asked")
    func stores() async throws {
        var configuration = WorkerConfiguration(queues: ["q"])
        configuration.deduplicatesSuccessfulTasks = true
        let parts = Parts { TaskHandler("work") { _ in 2 } }
        let log = LogRecorder()
        func made(_ store: (any ResultStore)?) -> Deduplication? {
            Deduplication(configuration, store: store, dialect: PlainDialect(), logger: log.logger)
        }
        let deduplication = try #require(made(AbsentStore()))
        #expect(try await deduplication.success(of: parts.job(redelivered: true)) == nil)
        #expect(log.lines(at: .warning).count == 1)
        #expect(made(nil) == nil && made(AbsentStore(deliversOnce: true)) == nil)
        configuration.deduplicatesSuccessfulTasks = false
        #expect(made(AbsentStore()) == nil)
    }
}
