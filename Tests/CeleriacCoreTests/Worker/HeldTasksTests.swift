import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacCore

@Suite("Held tasks", .timeLimit(.minutes(5))) struct HeldTasksTests {
    private let parts = Parts { TaskHandler("work") { _ in .null } }

    /// A job that the worker has taken.
    private func taken(_ id: String = "1", body: String = "[]", retries: Int = 0) throws -> Job {
        let job = try parts.job(id, body: body) { $0.retries = retries }
        parts.held.insert(job)
        return job
    }

    /// Settles jobs as the pipeline does.
    ///
    /// - Returns: the results to send again.
    @discardableResult
    private func settle(
        _ jobs: Job..., as disposition: Settlement.Disposition = .acknowledge, hasReached: Bool = true
    ) -> [ResultRecord] {
        for job in jobs { _ = job.settle(as: disposition, isHeld: parts.consumer.isHeld) }
        return parts.held.settled(jobs.map { Plan(ending: $0, effects: []) }, hasReached: hasReached)
    }

    /// Delivers a job's message once more.
    private func redeliver(_ message: MessageIdentity) async -> HeldTasks.Takeover? {
        await parts.held.takeOver(message, by: parts.consumer.deliver())
    }

    @Test("a task that waits or runs settles the receipt of its latest delivery")
    func task() async throws {
        let job = try taken()
        #expect(parts.held.keeps(job) && !job.isRedelivered)
        for _ in 1...2 {
            parts.consumer.lose()
            let receipt = parts.consumer.deliver()
            #expect(await parts.held.takeOver(job.message, by: receipt) == .task)
            #expect(job.receipt == receipt && parts.held.keeps(job) && job.isRedelivered)
        }
        let plan = Plan(ending: job, effects: [.settle(.acknowledge)])
        #expect(plan.receipt == job.receipt && parts.held.count == 1)
        settle(job)
        #expect(parts.held.count == 0)
    }

    @Test("a message that was moved and acknowledged in vain is acknowledged again; the one that comes back is another")
    func moved() async throws {
        let job = try taken()
        parts.consumer.lose()
        settle(job)
        var back = job.message
        back.moves = 1
        #expect(await redeliver(back) == nil)
        #expect(await redeliver(job.message) == .ending(.acknowledge))
    }

    @Test("a copy of a message that stayed here, as nobody heard of the copy, is of no use while its task is here")
    func copy() throws {
        let job = try taken()
        func copy(retries: Int = 0, moves: Int = 1) -> MessageIdentity {
            MessageIdentity(id: "1", retries: retries, body: job.message.body, moves: moves)
        }
        // A message that was moved and whose acknowledgement is on its way is the copy alone.
        #expect(!parts.held.outdo(copy()))
        job.mayHaveCopy()
        #expect(parts.held.outdo(copy()))
        #expect(!parts.held.outdo(copy(retries: 1)) && !parts.held.outdo(copy(moves: 0)))
        #expect(!parts.held.outdo(copy(moves: 2)))
        _ = job.settle(as: .requeue, isHeld: parts.consumer.isHeld)
        #expect(!parts.held.outdo(copy()))
        let dropped = try taken()
        dropped.mayHaveCopy()
        parts.consumer.lose()
        #expect(!parts.held.keeps(dropped) && !parts.held.outdo(copy()))
    }

    @Test(
        "a task that ended when its connection was lost is settled again in the same way, each time that it comes",
        arguments: [
            .acknowledge, .reject, .park(MessageFault(reason: "because", detail: "")),
        ] as [Settlement.Disposition])
    func ending(_ disposition: Settlement.Disposition) async throws {
        let job = try taken()
        parts.consumer.lose()
        settle(job, as: disposition)
        #expect(await redeliver(job.message) == .ending(disposition))
        #expect(await redeliver(job.message) == nil)
        parts.consumer.lose()
        #expect(await redeliver(job.message) == .ending(disposition))
    }

    @Test("a settlement that was sent may be lost with its connection, or may be refused")
    func doubtfulEnding() async throws {
        let job = try taken()
        settle(job)
        #expect(await redeliver(job.message) == nil)
        parts.consumer.lose()
        #expect(await redeliver(job.message) == .ending(.acknowledge))
        let other = try taken("2")
        settle(other, hasReached: false)
        #expect(await redeliver(other.message) == .ending(.acknowledge))
    }

    @Test("what was settled when its claim stood no more is settled again, each time that it comes")
    func settledTooLate() async throws {
        let (job, other) = (try taken("1"), try taken("2"))
        for job in [job, other] { _ = job.settle(as: .acknowledge, isHeld: parts.consumer.isHeld) }
        _ = parts.held.settled(
            [job, other].map { Plan(ending: $0, effects: []) }, hasReached: true, tooLate: [job.receipt])
        let receipt = parts.consumer.deliver()
        let takeover = await parts.held.takeOver(job.message, by: receipt)
        #expect(takeover == .ending(.acknowledge))
        // Nobody has restored the other one, and this one no more than once.
        let (again, unknown) = (await redeliver(job.message), await redeliver(other.message))
        #expect(again == nil && unknown == nil)
        // That claim has expired as well.
        _ = parts.held.settled([], hasReached: true, tooLate: [receipt])
        let third = await redeliver(job.message)
        #expect(third == .ending(.acknowledge))
    }

    @Test("a redelivery that comes while the task is being settled is settled in the same way")
    func endingMeanwhile() async throws {
        let job = try taken()
        _ = job.settle(as: .reject, isHeld: parts.consumer.isHeld)
        parts.consumer.lose()
        #expect(await redeliver(job.message) == .ending(.reject))
        _ = parts.held.settled([Plan(ending: job, effects: [])], hasReached: true)
        #expect(await redeliver(job.message) == nil && parts.held.count == 0)
        parts.consumer.lose()
        #expect(await redeliver(job.message) == .ending(.reject))
    }

    @Test("results that no store keeps are sent again, once, if the connection was lost meanwhile")
    func answers() async throws {
        let answer = ResultRecord(taskID: "1", state: .success, payload: [1], replyTo: "caller")
        func job(_ id: String) throws -> Job {
            let job = try taken(id)
            job.keep([answer])
            return job
        }
        let sent = try job("sent")
        #expect(settle(sent).isEmpty)
        parts.consumer.lose()
        #expect(await redeliver(sent.message) == .ending(.acknowledge, answers: [answer]))
        let lost = try job("lost")
        parts.consumer.lose()
        #expect(settle(lost) == [answer])
        #expect(await redeliver(lost.message) == .ending(.acknowledge))
        let running = try job("running")
        parts.consumer.lose()
        #expect(await redeliver(running.message) == .task)
        #expect(settle(running) == [answer])
    }

    @Test("a retry, another body and another id are tasks of their own", arguments: [true, false])
    func others(hasEnded: Bool) async throws {
        let job = try taken()
        parts.consumer.lose()
        if hasEnded { settle(job) }
        for other in [
            try parts.job { $0.retries = 1 }, try parts.job(body: "[1]"), try parts.job("2"),
        ] {
            #expect(await redeliver(other.message) == nil)
        }
        #expect(await redeliver(job.message) == (hasEnded ? .ending(.acknowledge) : .task))
    }

    @Test("of two sendings with the same id and body each takes over one task")
    func secondSending() async throws {
        let (first, second) = (try taken(), try taken())
        parts.consumer.lose()
        settle(first)
        #expect(await redeliver(second.message) == .task)
        #expect(await redeliver(second.message) == .ending(.acknowledge))
        #expect(await redeliver(second.message) == nil)
    }

    @Test("a message that the worker still holds is not the one that is delivered again")
    func held() async throws {
        let job = try taken()
        #expect(await redeliver(job.message) == nil)
        // Its claim expires while the connection stands.
        let old = job.receipt
        parts.consumer.expire(old)
        #expect(await redeliver(job.message) == .task)
        #expect(job.receipt != old)
        #expect(await redeliver(job.message) == nil)
    }

    @Test("what was to go back, and what was dropped before it began, is delivered again to run")
    func runsAgain() async throws {
        let (requeued, dropped) = (try taken("1"), try taken("2"))
        parts.consumer.lose()
        settle(requeued, as: .requeue)
        #expect(await redeliver(requeued.message) == nil)
        #expect(!parts.held.keeps(dropped) && parts.held.count == 0)
        #expect(await redeliver(dropped.message) == nil)
        #expect(!parts.held.keeps(dropped))
    }

    @Test("what waits for its time waits on with the new receipt, and is dropped without one")
    func waiting() async throws {
        let (back, gone) = (try taken("back"), try taken("gone"))
        for job in [back, gone] { parts.waiting.schedule(job, after: .seconds(10)) }
        parts.consumer.lose()
        #expect(await redeliver(back.message) == .task)
        parts.waiting.dropLost()
        #expect(parts.waiting.scheduledJobs.map(\.request.id) == ["back"] && parts.held.count == 1)
        parts.timers.advance(by: .seconds(10))
        #expect(parts.ready == ["back"])
    }

    @Test("a redelivered task counts as such when it begins")
    func marksBeginning() async throws {
        let job = try taken()
        parts.consumer.lose()
        #expect(await redeliver(job.message) == .task)
        await parts.runner.perform(job, in: Slot())
        #expect(parts.consumer.begun == [job.receipt])
    }
}
