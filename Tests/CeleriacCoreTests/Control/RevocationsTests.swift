import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Testing

@testable import CeleriacCore

@Suite struct RevokedTasksTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)

    @Test func keepsTheLatestIDs() {
        let revoked = RevokedTasks()
        revoked.insert((0..<RevocationLimits().maximumCount).map { "\($0)" }, now: start)
        // Repeated, so that it is no longer the oldest one.
        revoked.insert(["0"], now: start.addingTimeInterval(1))
        revoked.insert(["x", "y"], now: start.addingTimeInterval(2))
        let ids = revoked.ids(now: start.addingTimeInterval(2))
        #expect(ids.count == RevocationLimits().maximumCount)
        #expect(ids.first == "3" && ids.suffix(3) == ["0", "x", "y"])
    }

    @Test func forgetsIDsInTime() {
        let revoked = RevokedTasks()
        let request = request("a")
        #expect(!revoked.contains(request, now: start))
        revoked.insert(["a"], now: start)
        revoked.insert(["b"], now: start.addingTimeInterval(10))
        let late = start.addingTimeInterval(RevocationLimits().lifetime.seconds - 1)
        #expect(revoked.contains(request, now: late) && revoked.ids(now: late) == ["a", "b"])
        let later = start.addingTimeInterval(RevocationLimits().lifetime.seconds)
        #expect(!revoked.contains(request, now: later) && revoked.ids(now: later) == ["b"])
    }

    @Test func repeatsTakeNoRoomForEver() {
        let revoked = RevokedTasks()
        for second in 0..<300_000 { revoked.insert(["a", "b"], now: start.addingTimeInterval(Double(second) / 1000)) }
        #expect(revoked.ids(now: start.addingTimeInterval(300)) == ["a", "b"])
    }

    @Test func findsStamps() {
        let revoked = RevokedTasks()
        revoked.insert(stamp: "customer", values: ["acme", 7])
        func isRevoked(_ stamps: WireObject) -> Bool {
            var request = request("x")
            request.stamps = stamps
            return revoked.contains(request, now: start)
        }
        #expect(isRevoked(["customer": "acme"]) && isRevoked(["customer": ["other", 7]]))
        #expect(!isRevoked(["customer": "other"]) && !isRevoked(["tenant": "acme"]) && !isRevoked([:]))
    }

    @Test func keepsWithinOtherLimits() {
        let revoked = RevokedTasks(limits: RevocationLimits(maximumCount: 2, lifetime: .seconds(5)))
        revoked.insert(["a", "b", "c"], now: start)
        #expect(revoked.ids(now: start) == ["b", "c"])
        #expect(revoked.ids(now: start.addingTimeInterval(5)) == [])
        revoked.insert(stamp: "customer", values: [1, 2, 3])
        func isRevoked(_ customer: WireValue) -> Bool {
            var request = request("x")
            request.stamps = ["customer": customer]
            return revoked.contains(request, now: start)
        }
        #expect(isRevoked(1) && isRevoked(2) && !isRevoked(3))
    }

    @Test func remembersIDsUntilTheirTasksComeBack() {
        let revoked = RevokedTasks(limits: RevocationLimits(maximumCount: 2, lifetime: .seconds(100)))
        func isRevoked(_ id: String, after seconds: Double) -> Bool {
            revoked.contains(request(id), now: start.addingTimeInterval(seconds))
        }
        let time = start.addingTimeInterval(1_000_000)
        revoked.note("before", at: time)
        revoked.insert(["before", "after"], now: start)
        // Its message is moved at that moment.
        revoked.note("after", at: time)
        #expect(isRevoked("before", after: 1_000_050) && isRevoked("after", after: 1_000_050))
        let now = start.addingTimeInterval(500_000)
        revoked.insert(["other", "another"], now: now)
        #expect(Set(revoked.ids(now: now)) == ["before", "after", "other", "another"])
        #expect(isRevoked("other", after: 500_050) && !isRevoked("other", after: 500_100))
        #expect(!isRevoked("before", after: 1_000_100) && !isRevoked("after", after: 1_000_100))
        #expect(revoked.ids(now: start.addingTimeInterval(1_000_100)) == [])
    }

    @Test func remembersAsManyLastingIDsAsItMay() {
        let revoked = RevokedTasks(limits: RevocationLimits(maximumCount: 2, lifetime: .seconds(100)))
        let ids = ["1", "2", "3"]
        for (place, id) in ids.enumerated() {
            revoked.note(id, at: start.addingTimeInterval(1000))
            revoked.insert([id], now: start.addingTimeInterval(Double(place)))
        }
        let later = start.addingTimeInterval(900)
        #expect(ids.filter { revoked.contains(request($0), now: later) } == ["1", "2"])
        // The first times are forgotten, and of the third nothing was remembered.
        #expect(revoked.ids(now: later).count == 2)
    }

    private func request(_ id: String) -> TaskRequest {
        TaskRequest(
            id: id, name: "work", arguments: [], keywordArguments: [:], headers: [:], queue: "q", redelivered: false,
            message: PlainMessage())
    }
}

@Suite("Revocations", .timeLimit(.minutes(5))) struct RevocationsTests {
    private let parts = Parts {
        TaskHandler("work") { _ in .null }
        TaskHandler("limited", options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(10)))) { _ in .null }
    }

    @Test("end what waits for its time or its turn, and nothing else")
    func endsWaiting() throws {
        for id in ["a", "b"] { parts.waiting.schedule(try parts.job(id), after: .seconds(10)) }
        for number in 1...3 { _ = parts.waiting.admit(try parts.job("\(number)", task: "limited")) }
        parts.revocations.revoke(["b", "1", "3"])
        #expect(parts.submitted == ["b: store REVOKED, acknowledge", "3: store REVOKED, acknowledge"])
        #expect(parts.waiting.scheduledJobs.map(\.request.id) == ["a"])
        #expect(parts.waiting.limitedJobs.map(\.request.id) == ["2"])
        #expect(parts.revocations.tasks.ids(now: parts.timers.now) == ["b", "1", "3"])
    }

    @Test("find tasks by their stamps")
    func stamps() throws {
        parts.waiting.schedule(try parts.job { $0.stamps = ["customer": "acme"] }, after: .seconds(10))
        parts.revocations.revoke(stamp: "customer", values: ["other"])
        #expect(parts.submitted.isEmpty)
        parts.revocations.revoke(stamp: "customer", values: ["acme"])
        #expect(parts.submitted == ["1: store REVOKED, acknowledge"])
    }

    @Test("terminate what runs: it ends at once, and its handler's task is cancelled")
    func terminate() async throws {
        let (started, ends) = (Gate(), Gate())
        let parts = Parts {
            TaskHandler("work") { _ in
                started.open()
                await withTaskCancellationHandler {
                    await ends.wait()
                } onCancel: {
                    ends.open()
                }
                return .null
            }
        }
        parts.pool.jobs.push([try parts.job()])
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await parts.pool.slots.run(parts.pool.jobs) { await parts.runner.perform($0, in: $1) }
            }
            await started.wait()
            #expect(parts.revocations.terminate(["other"], signal: 9).isEmpty)
            #expect(parts.revocations.terminate(["1"], signal: 9) == ["1"])
            await ends.wait()
            parts.pool.slots.close()
            _ = parts.pool.jobs.close()
        }
        #expect(parts.submitted == ["1: store REVOKED, acknowledge"])
    }
}
