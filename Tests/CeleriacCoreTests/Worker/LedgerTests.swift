import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Testing

@testable import CeleriacCore

/// An observer, so that there is somebody to tell.
private struct Listener: WorkerObserver {
    var isListening: Bool { true }
    func observe(_ event: WorkerEvent, at time: Date) {}
}

@Suite("Ledger", .timeLimit(.minutes(5))) struct LedgerTests {
    private let parts = Parts {
        TaskHandler("work") { _ in .null }
        TaskHandler("ignored", options: TaskOptions(ignoresResult: true)) { _ in .null }
    }

    @Test("submits what follows from the first outcome of a job, and drops later ones")
    func once() throws {
        let job = try parts.job()
        parts.ledger.finish(job, .timedOut(limit: 1))
        parts.ledger.finish(job, .success(1))
        #expect(parts.submitted == ["1: store FAILURE, acknowledge"] && job.hasOutcome)
    }

    @Test("stores results as the sender says, or else the task")
    func storesResults() throws {
        parts.ledger.finish(try parts.job("a", task: "ignored"), .success(1))
        parts.ledger.finish(try parts.job("b", task: "ignored") { $0.ignoresResult = false }, .success(1))
        parts.ledger.finish(try parts.job("c") { $0.ignoresResult = true }, .success(1))
        #expect(parts.submitted == ["a: acknowledge", "b: store SUCCESS, acknowledge", "c: acknowledge"])
    }

    @Test("an outcome that cannot be encoded is a failure")
    func notEncodable() throws {
        // Nothing can be replaced in this dialect.
        let submission = Submission.task(
            TaskSubmission(id: "2", name: "work", arguments: [], keywordArguments: [:]))
        parts.ledger.finish(try parts.job(), .replaced(Replacement(submission)))
        #expect(parts.submitted == ["1: store FAILURE, acknowledge"])
    }

    @Test("a task that began with an early acknowledgement has no message to settle; one that never began has")
    func earlyAcknowledgement() throws {
        let (began, never) = (
            try parts.job("began", acknowledgesEarly: true), try parts.job("never", acknowledgesEarly: true)
        )
        began.begin(at: parts.timers.now)
        parts.ledger.finish(began, .success(1))
        parts.ledger.finish(never, .expired)
        #expect(parts.submitted == ["began: store SUCCESS", "never: store REVOKED, acknowledge"])
        #expect(parts.submittedPlans.map(\.receipt) == [nil, never.receipt])
        #expect(parts.submittedPlans.map(\.endsJob) == [false, true])
    }

    @Test("refuses unknown tasks, and parks what cannot be read")
    func refuses() throws {
        var request = try parts.job().request
        request.name = "nobody"
        parts.ledger.refuse(request, receipt: parts.consumer.deliver())
        parts.ledger.park(parts.delivery("?"), MessageFault(reason: "undecodableBody", detail: ""))
        #expect(parts.submitted == ["1: park unregistered, store FAILURE", ": park undecodableBody"])
    }

    @Test("gives back what the dialect leaves to other workers, each message later and later, and tells no one")
    func givesBack() throws {
        let parts = Parts(observers: [Listener()]) { TaskHandler("work") { _ in .null } }
        for id in ["1", "2", "1", "1"] {
            let request = TaskRequest(
                id: id, name: "elsewhere", arguments: [], keywordArguments: [:], headers: [:], queue: "q",
                redelivered: false, message: PlainMessage())
            parts.ledger.refuse(request, receipt: parts.consumer.deliver())
        }
        #expect(parts.submitted == ["1: pause", "2: pause", "1: pause", "1: pause"].map { $0 + ", give back" })
        for (plan, longest) in zip(parts.submittedPlans, [1.0, 1, 2, 3]) {
            guard case .pause(let pause)? = plan.first else {
                Issue.record("it goes back at once")
                continue
            }
            #expect((longest / 2...longest).contains(pause.seconds))
        }
        #expect(parts.submittedPlans.allSatisfy { $0.endsJob && $0.onEnd == nil })
    }

    @Test("remembers messages that it meets again and again, however many others come, and a bounded number of names")
    func strangers() {
        var strangers = Strangers(limit: 3)
        for round in 0..<10 {
            #expect(strangers.timesSeen("again") == round)
            for number in 0..<2 { _ = strangers.timesSeen("\(round).\(number)") }
        }
        #expect(strangers.timesSeen("0.0") == 0)
        let isNew = ["a", "b", "a", "c", "d", "d"].map { strangers.isNew(name: $0) }
        #expect(isNew == [true, true, false, true, false, false])
    }

    @Test("what is refused time and again is a failure of the task, unless its outcome has been told")
    func refusedFollowUp() throws {
        let job = try parts.job()
        parts.ledger.finish(job, .success(1))
        var plan = try #require(parts.submittedPlans.first)
        let error = CeleriacError(.publishFailed, "no")
        #expect(parts.ledger.failure(of: plan, error).map(Parts.words) == ["store FAILURE"])
        plan.advance()
        #expect(parts.ledger.failure(of: plan, error).isEmpty)
    }

    @Test("a part that is refused although its task has failed fails the chord's body, and the message is parked then")
    func uncounted() throws {
        let part = ChordPart(groupID: "g", taskID: "1", index: 0, payload: [], expiry: nil)
        parts.ledger.finish(try parts.job(), .success(1))
        let done = try #require(parts.submittedPlans.first)
        var plan = Plan(
            receipt: done.receipt, taskID: "1", endsJob: true, request: done.request, context: done.context,
            effects: [.chord(.add(part)), .settle(.acknowledge)])
        let error = CeleriacError(.resultStore, "no")
        let fault = MessageFault(reason: "chordNotCounted", detail: "")
        #expect(parts.ledger.failure(of: plan, error).map(Parts.words) == ["store FAILURE"])
        plan.replaceRest(with: .park(fault), after: [.chord(.add(part))])
        let effects = parts.ledger.failure(of: plan, error)
        guard case .store(let record)? = effects.first else {
            Issue.record("the body does not fail")
            return
        }
        #expect(record.taskID == "body of g")
        plan.replaceRest(with: .park(fault), after: effects)
        var words: [String] = []
        while let effect = plan.first {
            words.append(Parts.words(effect))
            plan.advance()
        }
        #expect(words == ["store FAILURE", "park chordNotCounted"])
    }

    @Test("a failure that cannot be written with the task's arguments is written without them")
    func refusedArguments() throws {
        let parts = Parts(dialect: PlainDialect(refusesArguments: true)) { TaskHandler("work") { _ in .null } }
        parts.ledger.finish(try parts.job("1") { $0.arguments = [1] }, .success(1))
        let exhausted = try parts.job("2") { $0.arguments = [1] }.request
        parts.ledger.park(parts.delivery("", attempts: 5), exhausted: exhausted)
        #expect(parts.submitted == ["1: store FAILURE, acknowledge", "2: park tooManyAttempts, store FAILURE"])
    }

    @Test("stores that tasks are revoked, unless the dialect finds that they have begun")
    func marksRevoked() async throws {
        let begun = ResultRecord(
            taskID: "2", state: .started, payload: Array(#"{"id": "2", "state": "STARTED", "value": null}"#.utf8))
        try await parts.store.store([begun])
        try await parts.ledger.markRevoked(["1", "2"])
        let stored = try await parts.store.fetch(["1", "2"])
        #expect(stored[1] == begun.payload)
        let first = try PlainDialect().result(from: try #require(stored[0]))
        #expect(first.taskID == "1" && first.state == .revoked && first.error?.type == "revoked")
        // The ledger does not try again later.
        #expect(parts.submitted.isEmpty)
    }
}
