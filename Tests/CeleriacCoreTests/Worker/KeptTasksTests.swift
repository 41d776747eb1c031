import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

@Suite("Kept tasks", .timeLimit(.minutes(5))) struct KeptTasksTests {
    /// A worker on a broker that keeps messages, in virtual time.
    private struct Site: Sendable {
        struct Run: Sendable {
            let id: String
            let time: Date
        }
        let log: LogRecorder
        let bench: Bench
        let broker: ShelvingBroker
        let probe = ControlProbe()
        private let runs = NIOLockedValueBox<[Run]>([])

        init() throws {
            let log = LogRecorder()
            self.log = log
            let bench = Bench(logger: log.logger) { ShelvingBroker($0) }
            self.bench = bench
            broker = try #require(bench.broker as? ShelvingBroker)
        }

        var ran: [Run] { runs.withLockedValue { $0 } }
        var ids: [String] { ran.map(\.id) }

        func worker(configure: (inout WorkerConfiguration) -> Void = { _ in }) -> TaskWorker {
            let (runs, timers) = (runs, bench.timers)
            return bench.worker(parts: [probe], configure: configure) {
                TaskHandler("work") { context in
                    let run = Run(id: context.request.id, time: timers.now)
                    runs.withLockedValue { $0.append(run) }
                    return .null
                }
            }
        }

        func send(_ id: String, after seconds: Double, headers: WireObject = [:]) async throws {
            let eta = bench.timers.now.addingTimeInterval(seconds).timeIntervalSince1970
            let body = Array(#"{"id": "\#(id)", "name": "work", "eta": \#(eta)}"#.utf8)
            try await broker.publish([
                OutgoingMessage(message: WireMessage(headers: headers, body: body), routingKey: "q")
            ])
        }

        /// Lets the time pass until something has happened.
        func pass(until hasHappened: () -> Bool) async {
            await until {
                if hasHappened() { return true }
                bench.timers.advance(by: .milliseconds(500))
                return false
            }
        }
    }

    @Test("a message whose time is not near is let go, and read again for its task, which runs at its time")
    func runs() async throws {
        let site = try Site()
        let start = site.bench.timers.now
        try await site.bench.run(site.worker()) {
            try await site.send("far", after: 100)
            try await site.send("near", after: 2)
            await until { site.broker.shelvedCount == 1 }
            await site.pass { site.ids == ["near"] }
            #expect(site.broker.recalls.isEmpty)
            await site.pass { site.ids == ["near", "far"] }
        }
        #expect(site.ran.last.map { $0.time >= start.addingTimeInterval(100) } == true)
        #expect(site.broker.recalls == [1] && site.broker.misuses == 0)
        #expect(site.bench.memory.count(in: "q") == 0)
        #expect(site.probe.told.count { $0 == "received work" } == 2)
    }

    @Test("messages of the same time are read in portions")
    func portions() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            for number in 0..<600 { try await site.send("\(number)", after: 1000) }
            await until { site.broker.shelvedCount == 600 }
            await site.pass { site.ran.count == 600 }
        }
        #expect(site.broker.recalls == [KeptTasks.batch, KeptTasks.batch, 600 - 2 * KeptTasks.batch])
        #expect(Set(site.ids).count == 600)
    }

    @Test("a kept task that is revoked ends at once, by its id or by a stamp; others that may be meant wait on")
    func revocation() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            let control = await site.probe.control()
            try await site.send("a", after: 1000)
            try await site.send("b", after: 1000, headers: ["stamps": ["customer": "acme"]])
            try await site.send("c", after: 1000, headers: ["stamps": ["customer": "other"]])
            try await site.send("d", after: 10)
            await until { control.waitingCount == 4 }
            control.revoke(["a", "nobody's"])
            await until { site.broker.settledCount == 1 }
            control.revoke(stamp: "customer", values: ["acme"])
            await until { site.broker.settledCount == 2 && control.waitingCount == 2 }
            #expect(site.ids.isEmpty && site.broker.shelvedCount == 2)
            await site.pass { site.ids == ["d"] }
            #expect(control.waitingCount == 1)
        }
        #expect(site.probe.told.count { $0 == "ended work revoked" } == 2)
        #expect(site.probe.told.count { $0 == "received work" } == 4)
        // The last one went back.
        #expect(site.ids == ["d"] && site.bench.memory.count(in: "q") == 1 && site.broker.misuses == 0)
    }

    @Test("a task whose broker is out of reach when its time comes runs once the broker is back")
    func outage() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            try await site.send("a", after: 50)
            await until { site.broker.shelvedCount == 1 }
            site.broker.setAway(true)
            await site.pass { site.broker.failures > 1 }
            #expect(site.ids.isEmpty)
            site.broker.setAway(false)
            await site.pass { site.ids == ["a"] }
        }
        #expect(site.broker.recalls == [1] && site.bench.memory.count(in: "q") == 0)
        #expect(site.log.count("cannot read the messages of tasks whose time has come, trying again") > 1)
    }

    @Test("a task whose message another worker has restored does not run here")
    func restored() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            let control = await site.probe.control()
            for id in ["a", "b"] { try await site.send(id, after: 50) }
            await until { control.waitingCount == 2 }
            try await site.broker.restoreElsewhere()
            await site.pass { control.waitingCount == 0 }
            // Its place is free again.
            try await site.send("c", after: 0)
            await site.pass { site.ids == ["c"] }
        }
        let lines = site.log.lines(
            of: "messages of tasks that waited for their time are no longer this worker's: another has restored them")
        #expect(lines.map { $0.metadata["tasks"] } == ["2"])
    }

    @Test("an expired task ends when its time comes")
    func expired() async throws {
        let site = try Site()
        let now = site.bench.timers.now.timeIntervalSince1970
        try await site.bench.run(site.worker()) {
            let body = Array(#"{"id": "a", "name": "work", "eta": \#(now + 50), "expires": \#(now + 20)}"#.utf8)
            try await site.broker.publish([OutgoingMessage(message: WireMessage(body: body), routingKey: "q")])
            await until { site.broker.shelvedCount == 1 }
            await site.pass { site.broker.settledCount == 1 }
        }
        #expect(site.ids.isEmpty && site.probe.told.contains("ended work expired"))
    }

    @Test("an inspection reads the messages of kept tasks, and takes none of them")
    func inspection() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            let control = await site.probe.control()
            for (id, seconds) in [("late", 1000.0), ("later", 2000), ("soon", 2)] {
                try await site.send(id, after: seconds)
            }
            await until { control.waitingCount == 3 }
            let scheduled = await control.scheduledJobs()
            #expect(scheduled.map(\.request.id) == ["soon", "late", "later"])
            #expect(scheduled.allSatisfy { $0.phase == .scheduled && $0.startTime == nil && !$0.isAcknowledged })
            let found = await control.jobs(withIDs: ["later", "soon", "nobody's"])
            #expect(found.map(\.request.id) == ["soon", "later"])
            // The window of 8, plus those that wait.
            #expect(control.waitingCount == 3 && control.prefetchCount == 11)
            #expect(site.broker.shelvedCount == 2 && site.broker.recalls.isEmpty)
            site.broker.setAway(true)
            let reachable = await control.scheduledJobs()
            #expect(reachable.map(\.request.id) == ["soon"])
        }
        #expect(site.log.count("could not read the messages of tasks that wait for their time") == 1)
    }

    @Test("a stop gives kept messages back, in the order in which they came, and begins no task")
    func stop() async throws {
        let site = try Site()
        try await site.bench.run(site.worker()) {
            for (id, seconds) in [("a", 3000.0), ("b", 1000), ("c", 2000)] { try await site.send(id, after: seconds) }
            await until { site.broker.shelvedCount == 3 }
        }
        #expect(site.broker.givenBack.map(\.tag) == [1, 2, 3])
        #expect(site.bench.memory.count(in: "q") == 3 && site.broker.settledCount == 0 && site.ids.isEmpty)
    }

    @Test("kept tasks count among those that a worker may hold until their time")
    func limit() async throws {
        let site = try Site()
        try await site.bench.run(site.worker { $0.maximumScheduledTasks = 2 }) {
            for _ in 0..<2 {
                for _ in 0..<2 { try await site.send("a", after: 1000) }
                await until { site.broker.shelvedCount == 2 }
            }
            #expect(site.bench.memory.count(in: "q") == 2)
        }
    }

    @Test("the earliest come first; of the same time, those that came first")
    func order() throws {
        let parts = Parts { TaskHandler("work") { _ in .null } }
        func task(_ id: String, after seconds: Double) throws -> KeptTask {
            KeptTask(try parts.job(id) { $0.eta = parts.timers.now.addingTimeInterval(seconds) })
        }
        let tasks = [
            try task("a", after: 20), try task("b", after: 10), try task("c", after: 20), try task("d", after: 10),
        ]
        #expect(tasks.sorted().map(\.receipt.tag) == [2, 4, 1, 3])
        #expect(tasks.map { $0.idHash == KeptTask.hash("b") } == [false, true, false, false])
        // One has a few bytes and no memory of its own, since a worker may have a million.
        #expect(MemoryLayout<KeptTask>.stride <= 40 && _isPOD(KeptTask.self))
    }
}
