import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Testing

@testable import CeleriacCore

@Suite("Waiting room", .timeLimit(.minutes(5))) struct WaitingRoomTests {
    private let parts = Parts {
        TaskHandler("work") { _ in .null }
        TaskHandler("limited", options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(10)))) { _ in .null }
    }

    private var scheduled: [String] { parts.waiting.scheduledJobs.map(\.request.id) }
    private var limited: [String] { parts.waiting.limitedJobs.map(\.request.id) }

    @Test("keeps jobs until their time, in the order of their times")
    func schedules() throws {
        parts.waiting.schedule(try parts.job("later"), after: .seconds(20))
        parts.waiting.schedule(try parts.job("sooner"), after: .seconds(10))
        #expect(scheduled == ["later", "sooner"] && parts.waiting.scheduledCount == 2 && parts.ready.isEmpty)
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready == ["sooner"] && scheduled == ["later"])
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready == ["sooner", "later"] && scheduled.isEmpty)
    }

    @Test("lets as many go on as their rate limit allows, and the others at their turns")
    func limits() throws {
        let jobs = try (1...3).map { try parts.job("\($0)", task: "limited") }
        #expect(jobs.map { parts.waiting.admit($0) } == [true, false, false])
        #expect(parts.waiting.admit(try parts.job("other")))
        #expect(limited == ["2", "3"])
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready == ["2"] && limited == ["3"])
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready == ["2", "3"] && limited.isEmpty)
    }

    @Test("a job whose time has come still waits for its turn")
    func limitsAfterSchedule() throws {
        #expect(parts.waiting.admit(try parts.job("1", task: "limited")))
        parts.waiting.schedule(try parts.job("2", task: "limited"), after: .seconds(5))
        parts.timers.advance(by: .seconds(5))
        #expect(parts.ready.isEmpty && scheduled.isEmpty && limited == ["2"])
        parts.timers.advance(by: .seconds(5))
        #expect(parts.ready == ["2"])
    }

    @Test("gives new turns after a rate limit has changed")
    func renews() throws {
        let registration = try #require(parts.registrations["limited"])
        for number in 1...3 { _ = parts.waiting.admit(try parts.job("\(number)", task: "limited")) }
        registration.rateLimit = RateLimit(1)
        parts.waiting.renewTurns(of: registration)
        #expect(parts.ready == ["2"] && limited == ["3"])
        registration.rateLimit = nil
        parts.waiting.renewTurns(of: registration)
        #expect(parts.ready == ["2", "3"] && limited.isEmpty && parts.timers.count == 0)
    }

    @Test("drops what was given back with a lost connection, now or when its time comes")
    func lost() throws {
        parts.waiting.schedule(try parts.job("a"), after: .seconds(10))
        for number in 1...2 { _ = parts.waiting.admit(try parts.job("\(number)", task: "limited")) }
        parts.consumer.lose()
        parts.waiting.dropLost()
        #expect(scheduled.isEmpty && limited.isEmpty && parts.timers.count == 0)
        parts.waiting.schedule(try parts.job("b"), after: .seconds(10))
        parts.consumer.lose()
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready.isEmpty && scheduled.isEmpty)
    }

    @Test("holds no place in the window for jobs that wait for their time, and one for those that wait for their turn")
    func window() async throws {
        let parts = Parts(prefetchMultiplier: 3) {
            TaskHandler("work") { _ in .null }
            TaskHandler("limited", options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(10)))) { _ in .null }
        }
        parts.pool.capacity.take(2)
        #expect(await parts.pool.capacity.room() == 1)
        parts.waiting.schedule(try parts.job("a"), after: .seconds(10))
        #expect(await parts.pool.capacity.room() == 2)
        #expect(parts.waiting.admit(try parts.job("1", task: "limited")))
        #expect(!parts.waiting.admit(try parts.job("2", task: "limited")))
        #expect(await parts.pool.capacity.room() == 2)
        // Whoever takes it out ends it, which gives up a place in the window.
        #expect(parts.waiting.takeOut { $0.request.id == "a" }.map(\.request.id) == ["a"])
        #expect(await parts.pool.capacity.room() == 1)
        #expect(parts.waiting.takeOut { $0.request.id == "2" }.map(\.request.id) == ["2"])
        #expect(await parts.pool.capacity.room() == 1)
        parts.waiting.drop(try parts.job("3"), WaitingRoom.lost)
        #expect(await parts.pool.capacity.room() == 2)
    }

    @Test("gives everything out in order when it closes")
    func closes() throws {
        for id in ["a", "b"] { parts.waiting.schedule(try parts.job(id), after: .seconds(10)) }
        for number in 1...3 { _ = parts.waiting.admit(try parts.job("\(number)", task: "limited")) }
        let (limited, scheduled) = parts.waiting.close()
        #expect(limited.map(\.request.id) == ["2", "3"] && scheduled.map(\.request.id) == ["a", "b"])
        #expect(parts.timers.count == 0)
    }
}
