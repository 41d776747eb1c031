import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

@Suite("Worker pool", .timeLimit(.minutes(5))) struct WorkerPoolTests {
    @Test("resizes its window with its slots, and refuses sizes that cannot be")
    func resizes() async throws {
        let pool = Parts(concurrency: 2, prefetchMultiplier: 3) {}.pool
        #expect(pool.concurrency == 2 && pool.window == 6 && pool.slots.slots.count == 2)
        try pool.resize(by: 2)
        #expect(pool.concurrency == 4 && pool.window == 12 && pool.slots.slots.count == 4)
        #expect(await pool.capacity.room() == 12)
        try pool.resize(by: -3)
        #expect(pool.concurrency == 1 && pool.window == 3)
        #expect(await pool.capacity.room() == 3)
        // The pool keeps slots that have not ended yet rather than make new ones.
        try pool.resize(by: 2)
        #expect(pool.concurrency == 3 && pool.slots.slots.count == 4)
        for change in [-3, 65_533, Int.max, Int.min] {
            #expect(throws: CeleriacError.self) { try pool.resize(by: change) }
        }
        #expect(pool.concurrency == 3)
    }

    @Test("tells the broker what it may hold beside its first window, and only when that changes")
    func reports() async throws {
        let parts = Parts(concurrency: 2, prefetchMultiplier: 3) { TaskHandler("work") { _ in .null } }
        let aside = NIOLockedValueBox(0)
        let report = PrefetchReport(
            consumer: parts.consumer, pool: parts.pool, waiting: parts.waiting, postponing: parts.postponing,
            asideCount: { aside.withLockedValue { $0 } })
        try await report.update()
        #expect(report.count == 6 && parts.consumer.holds.isEmpty)
        parts.waiting.schedule(try parts.job(), after: .seconds(10))
        for _ in 0..<2 { try await report.update() }
        #expect(report.count == 7 && parts.consumer.holds == [1])
        try parts.pool.resize(by: -1)
        try await report.update()
        #expect(report.count == 4 && parts.consumer.holds == [1, -2])
        parts.timers.advance(by: .seconds(10))
        try await report.update()
        #expect(report.count == 3 && parts.consumer.holds == [1, -2, -3])
        aside.withLockedValue { $0 = 5 }
        try await report.update()
        #expect(report.count == 8 && parts.consumer.holds == [1, -2, -3, 2])
    }

    @Test("tells the broker no more than the limit while tasks wait for their time")
    func reportsLimit() async throws {
        let parts = Parts(concurrency: 2, prefetchMultiplier: 3) { TaskHandler("work") { _ in .null } }
        let pool = WorkerPool(
            concurrency: 2, prefetchMultiplier: 3, scheduleLimit: 7, blocks: false, stopping: Gate())
        let report = PrefetchReport(
            consumer: parts.consumer, pool: pool, waiting: parts.waiting, postponing: parts.postponing,
            asideCount: { 0 })
        for number in 1...3 { parts.waiting.schedule(try parts.job("\(number)"), after: .seconds(10)) }
        try await report.update()
        #expect(report.count == 7 && parts.consumer.holds == [1])
        parts.timers.advance(by: .seconds(10))
        try await report.update()
        #expect(report.count == 6 && parts.consumer.holds == [1, 0])
    }

    @Test("hands out jobs in their order, and those in front before the ones that wait")
    func order() async throws {
        let parts = Parts(concurrency: 1) { TaskHandler("work") { _ in .null } }
        let jobs = try (1...4).map { try parts.job("\($0)") }
        parts.pool.jobs.push(jobs[0..<3])
        parts.pool.jobs.push([jobs[3]], inFront: true)
        var order: [String] = []
        for _ in jobs { order.append(try #require(await parts.pool.jobs.next()).request.id) }
        #expect(order == ["4", "1", "2", "3"])
    }

    @Test("runs jobs in its slots, and no more of them after it has shrunk")
    func runs() async throws {
        let parts = Parts(concurrency: 3) { TaskHandler("work") { _ in .null } }
        let jobs = try (1...6).map { try parts.job("\($0)") }
        let (running, most, goOn) = (NIOLockedValueBox(0), NIOLockedValueBox(0), Gate())
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await parts.pool.slots.run(parts.pool.jobs) { _, _ in
                    let count = running.withLockedValue { running in
                        running += 1
                        return running
                    }
                    most.withLockedValue { $0 = max($0, count) }
                    await goOn.wait()
                    running.withLockedValue { $0 -= 1 }
                }
            }
            parts.pool.jobs.push(jobs.prefix(3))
            await until { running.withLockedValue { $0 } == 3 }
            try? parts.pool.resize(by: -2)
            goOn.open()
            await until { parts.pool.slots.slots.count == 1 }
            most.withLockedValue { $0 = 0 }
            parts.pool.jobs.push(jobs.suffix(3))
            await until { parts.pool.jobs.waiting.isEmpty && running.withLockedValue { $0 } == 0 }
            parts.pool.slots.close()
            _ = parts.pool.jobs.close()
        }
        #expect(most.withLockedValue { $0 } == 1 && parts.pool.activeCount == 0)
    }
}
