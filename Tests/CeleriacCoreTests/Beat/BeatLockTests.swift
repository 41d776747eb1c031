import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Synchronization
import Testing

@Suite("Beats with one lock", .timeLimit(.minutes(5))) struct BeatLockTests {
    @Test(
        "The one that has the lock sends, and keeps it; the other takes over at its stop, without a gap or a double run"
    )
    func handsOver() async throws {
        let timers = VirtualTimers()
        let lock = VirtualLock(timers)
        let first = try BeatBench([try BeatBench.every(10, "a")], lock: lock.handle(), timers: timers)
        let second = try BeatBench([try BeatBench.every(10, "a")], lock: lock.handle(), timers: timers)
        try await first.run {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await second.beat.run() }
                await until { lock.attempts == 2 && timers.count == 4 }
                for _ in 0..<100 { await step(timers, 1, 4) }
                await until { first.broker.tasks.count == 10 }
                #expect(second.broker.tasks.count == 0)
                first.beat.stop()
                await second.beat.leading()
                await until { timers.count == 3 }
                for _ in 0..<30 { await step(timers, 1, 3) }
                await until { second.broker.tasks.count == 3 }
                #expect(first.broker.tasks.count == 10)
                second.beat.stop()
                try await group.waitForAll()
            }
        }
        #expect(lock.note.contains("\"total_run_count\":13") || lock.note.contains("\"total_run_count\": 13"))
    }

    @Test("One that is cut off from the lock stops sending when its lease ends; the other makes up for what was missed")
    func takesOver() async throws {
        let timers = VirtualTimers()
        let lock = VirtualLock(timers)
        let cut = lock.handle()
        let first = try BeatBench([try BeatBench.every(10, "a")], lock: cut, timers: timers)
        let second = try BeatBench([try BeatBench.every(10, "a")], lock: lock.handle(), timers: timers)
        try await first.run {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await second.beat.run() }
                await until { lock.attempts == 2 && timers.count == 4 }
                await step(timers, 10, 4)
                await until { first.broker.tasks.count == 1 }
                cut.isCut.store(true, ordering: .sequentiallyConsistent)
                for _ in 0..<45 {
                    timers.advance(by: .seconds(1))
                    try await Task.sleep(for: .milliseconds(2))
                }
                await second.beat.leading()
                // The beat did not send the run, because it could not record it.
                #expect(first.broker.tasks.count == 1)
                await until { second.broker.tasks.count >= 1 }
                let missed = second.broker.tasks.count
                for _ in 0..<20 {
                    timers.advance(by: .seconds(1))
                    try await Task.sleep(for: .milliseconds(2))
                }
                await until { second.broker.tasks.count == missed + 2 }
                #expect(first.broker.tasks.count == 1)
                second.beat.stop()
                try await group.waitForAll()
            }
        }
    }

    @Test("Who waits for the lock tries again when it is released or when its hold would end, and not before")
    func doesNotPoll() async throws {
        let timers = VirtualTimers()
        let lock = VirtualLock(timers)
        let holder = try await hold(lock)
        let bench = try BeatBench([try BeatBench.every(10, "a")], lock: lock.handle(), timers: timers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bench.beat.run() }
            await until { lock.attempts == 2 && timers.count == 1 }
            timers.advance(by: .seconds(29))
            #expect(lock.attempts == 2 && timers.count == 1)
            #expect(try await holder.renew())
            timers.advance(by: .seconds(1))
            await until { lock.attempts == 3 && timers.count == 1 }
            try await holder.release()
            await bench.beat.leading()
            #expect(lock.attempts == 4)
            bench.beat.stop()
            try await group.waitForAll()
        }
    }

    @Test("A lock that is out of reach is tried again")
    func unreachable() async throws {
        let timers = VirtualTimers()
        let lock = VirtualLock(timers)
        let handle = lock.handle()
        handle.isCut.store(true, ordering: .sequentiallyConsistent)
        let bench = try BeatBench([try BeatBench.every(10, "a")], lock: handle, timers: timers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bench.beat.run() }
            await until { timers.count == 1 }
            handle.isCut.store(false, ordering: .sequentiallyConsistent)
            timers.advance(by: .seconds(1))
            await bench.beat.leading()
            bench.beat.stop()
            try await group.waitForAll()
        }
    }

    private func hold(_ lock: VirtualLock) async throws -> any LockHold {
        guard case .taken(let hold) = try await lock.handle().attempt() else {
            throw CeleriacError(.unavailable, "the lock is taken")
        }
        return hold
    }

    /// Lets time pass, and waits until everybody sleeps again.
    private func step(_ timers: VirtualTimers, _ seconds: Double, _ idle: Int) async {
        timers.advance(by: .seconds(seconds))
        await until { timers.count >= idle }
    }
}
