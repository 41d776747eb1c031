import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Testing

@testable import CeleriacCore

@Suite("Intake") struct IntakeTests {
    private let parts = Parts {
        TaskHandler("work") { _ in .null }
        TaskHandler("early", options: TaskOptions(acknowledgement: .early)) { _ in .null }
    }

    /// A decision in words.
    private func decision(_ body: String, attempts: Int = 0, maximumAttempts: Int = 5) -> String {
        let intake = parts.intake(maximumAttempts: maximumAttempts)
        return switch intake.decision(on: parts.delivery(body, attempts: attempts), now: parts.timers.now) {
        case .run(let job): "run \(job.request.id)"
        case .wait(let job, let delay): "wait \(job.request.id) \(delay.seconds)"
        case .expired(let job): "expired \(job.request.id)"
        case .revoked(let job): "revoked \(job.request.id)"
        case .unregistered(let request): "unregistered \(request.name)"
        case .exhausted(let request): "exhausted \(request.id)"
        case .park(let fault): "park \(fault.reason)"
        }
    }

    /// A time by the parts' clock, in seconds since 1970.
    private func time(after seconds: Double) -> Double { parts.timers.now.timeIntervalSince1970 + seconds }

    @Test("runs what may run, and waits for what has its time")
    func admits() {
        #expect(decision(#"{"id": "1", "name": "work"}"#) == "run 1")
        #expect(decision(#"{"id": "2", "name": "work", "eta": \#(time(after: -1))}"#) == "run 2")
        #expect(decision(#"{"id": "3", "name": "work", "eta": \#(time(after: 30))}"#) == "wait 3 30.0")
        #expect(decision(#"{"id": "4", "name": "work", "eta": 1e300}"#) == "wait 4 3155760000.0")
    }

    @Test("ends what has expired, even if it is also revoked or waits for its time")
    func expired() {
        let (past, future) = (time(after: -1), time(after: 1))
        parts.revokedTasks.insert(["1"], now: parts.timers.now)
        #expect(decision(#"{"id": "1", "name": "work", "expires": \#(past), "eta": \#(future)}"#) == "expired 1")
        #expect(decision(#"{"id": "2", "name": "work", "expires": \#(future)}"#) == "run 2")
    }

    @Test("ends what is revoked, even if it waits for its time")
    func revoked() {
        parts.revokedTasks.insert(["1"], now: parts.timers.now)
        #expect(decision(#"{"id": "1", "name": "work", "eta": \#(time(after: 30))}"#) == "revoked 1")
    }

    @Test("tells unknown tasks from messages that cannot be read")
    func unknown() {
        #expect(decision(#"{"id": "1", "name": "nobody"}"#) == "unregistered nobody")
        #expect(decision(#"{"id": "1", "name": "nobody"}"#, attempts: 5) == "unregistered nobody")
        #expect(decision("no JSON") == "park undecodableBody")
        let unread = Delivery(
            content: .failure(MessageFault(reason: "brokenEnvelope", detail: "")), queue: "q",
            receipt: parts.consumer.deliver())
        guard case .park(let fault) = parts.intake().decision(on: unread, now: parts.timers.now) else {
            Issue.record("it is not parked")
            return
        }
        #expect(fault.reason == "brokenEnvelope")
    }

    @Test("ends what was delivered too often without having been settled, and reads whose task it is")
    func attempts() {
        let body = #"{"id": "1", "name": "work"}"#
        #expect(decision(body, attempts: 2, maximumAttempts: 3) == "run 1")
        #expect(decision(body, attempts: 3, maximumAttempts: 3) == "exhausted 1")
        #expect(decision("no JSON", attempts: 3, maximumAttempts: 3) == "park undecodableBody")
    }

    @Test("ends what was begun too often as revoked or expired if it is")
    func unwantedAttempts() {
        parts.revokedTasks.insert(["1"], now: parts.timers.now)
        #expect(decision(#"{"id": "1", "name": "work"}"#, attempts: 9) == "revoked 1")
        #expect(decision(#"{"id": "2", "name": "work", "expires": \#(time(after: -1))}"#, attempts: 9) == "expired 2")
        #expect(decision(#"{"id": "3", "name": "work", "eta": \#(time(after: 30))}"#, attempts: 9) == "exhausted 3")
    }

    @Test(
        "acknowledges early where the task says so, or the configuration where the task does not",
        arguments: [("work", TaskOptions.Acknowledgement.late, false), ("work", .early, true), ("early", .late, true)])
    func acknowledgement(task: String, configured: TaskOptions.Acknowledgement, isEarly: Bool) throws {
        let delivery = parts.delivery(#"{"id": "1", "name": "\#(task)"}"#)
        guard
            case .run(let job) = parts.intake(acknowledgement: configured).decision(
                on: delivery, now: parts.timers.now)
        else {
            Issue.record("it does not run")
            return
        }
        #expect(job.acknowledgesEarly == isEarly && job.receipt == delivery.receipt)
    }
}
