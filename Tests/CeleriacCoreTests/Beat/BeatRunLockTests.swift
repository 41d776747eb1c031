import CeleriacCore
import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers
import Testing

@Suite("Beats with a lock for each run", .timeLimit(.minutes(5))) struct BeatRunLockTests {
    /// Locks that beats share: each run belongs to whoever asks first.
    private final class RunLocks: Sendable {
        struct State {
            var taken: Set<Date> = []
            var asked: [Double] = []
            var error: CeleriacError?
        }
        private let state = NIOLockedValueBox(State())

        /// The times of the runs for which beats asked, in seconds since the first of them could.
        var asked: [Double] { state.withLockedValue { $0.asked } }

        func set(_ error: CeleriacError?) { state.withLockedValue { $0.error = error } }

        func take(_ due: Date, _ next: Date?) throws -> Bool {
            try state.withLockedValue { state in
                state.asked.append(due.timeIntervalSince1970 - 1_800_000_000)
                if let error = state.error { throw error }
                return next == due.addingTimeInterval(10) && state.taken.insert(due).inserted
            }
        }
    }

    private func entry(_ name: String, _ locks: RunLocks) throws -> BeatEntry {
        BeatEntry(
            name, try IntervalSchedule(every: .seconds(10)), task: "tasks.\(name)",
            runLock: { due, next in try locks.take(due, next) },
            send: { client, options in
                try await client.send(Signature("tasks.\(name)"), options: options).id
            })
    }

    private func bench(_ entries: [BeatEntry], _ timers: VirtualTimers = VirtualTimers()) throws -> BeatBench {
        try BeatBench(entries, configuration: BeatConfiguration(missedRuns: .skip), timers: timers)
    }

    @Test("Of two beats that are both awake, one sends each run")
    func shares() async throws {
        let timers = VirtualTimers()
        let locks = RunLocks()
        let first = try bench([try entry("a", locks)], timers)
        let second = try bench([try entry("a", locks)], timers)
        try await first.run {
            try await second.run {
                await until { timers.count == 2 }
                for count in 1...5 {
                    timers.advance(by: .seconds(10))
                    await until { timers.count == 2 && locks.asked.count == 2 * count }
                }
            }
        }
        #expect(locks.asked == [10, 10, 20, 20, 30, 30, 40, 40, 50, 50])
        #expect(first.broker.tasks.count + second.broker.tasks.count == 5)
    }

    @Test("While the locks are out of reach the beat asks again, and sends nothing unasked")
    func outOfReach() async throws {
        let locks = RunLocks()
        let bench = try bench([try entry("a", locks)])
        try await bench.run {
            locks.set(CeleriacError(.unavailable, "down"))
            await bench.advance(10)
            #expect(bench.broker.tasks == [])
            locks.set(nil)
            await bench.advance(3)
            #expect(bench.broker.tasks == ["tasks.a"])
            // A run that nobody sent before the next was due is skipped.
            locks.set(CeleriacError(.unavailable, "down"))
            while bench.timers.now < Date(timeIntervalSince1970: 1_800_000_045) { await bench.advance(1) }
            let asked = locks.asked.count
            locks.set(nil)
            while locks.asked.count == asked { await bench.advance(1) }
            let now = bench.timers.now.timeIntervalSince1970 - 1_800_000_000
            #expect(now - (locks.asked.last ?? 0) < 11)
            #expect(bench.broker.tasks.count { $0 == "tasks.a" } == 2)
        }
    }

    @Test("A lock that fails in another way costs its own run only")
    func fails() async throws {
        let (broken, whole) = (RunLocks(), RunLocks())
        let bench = try bench([try entry("a", broken), try entry("b", whole)])
        broken.set(CeleriacError(.resultStore, "refused"))
        try await bench.run {
            await bench.advance(10)
            #expect(bench.broker.tasks == ["tasks.b"])
            broken.set(nil)
            await bench.advance(10)
            #expect(bench.broker.tasks.sorted() == ["tasks.a", "tasks.b", "tasks.b"])
        }
        #expect(broken.asked == [10, 20])
    }

    @Test("A run that a beat has taken but could not send is still its own")
    func brokerOutOfReach() async throws {
        let locks = RunLocks()
        let bench = try bench([try entry("a", locks)])
        try await bench.run {
            bench.broker.set(isDown: true)
            await bench.advance(10)
            await until { bench.broker.failures == 1 }
            bench.broker.set(isDown: false)
            await bench.advance(3)
            #expect(bench.broker.tasks == ["tasks.a"])
            await bench.advance(7)
            #expect(bench.broker.tasks.count == 2)
        }
        #expect(locks.asked == [10, 20])
    }
}
