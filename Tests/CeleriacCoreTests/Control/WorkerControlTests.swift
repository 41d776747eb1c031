import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import Testing

private let work = TaskDefinition<String, String>("work")
private let quick = TaskDefinition<String, String>("quick")

@Suite("Worker control", .timeLimit(.minutes(5)))
struct WorkerControlTests {
    @Test("shows what the worker does and holds")
    func snapshots() async throws {
        let bench = Bench()
        let (part, finish) = (ControlProbe(), Gate())
        let worker = bench.worker(of: work, until: finish, parts: [part])
        try await bench.run(worker) {
            let control = await part.control()
            let running = try await bench.client.send(work("a"))
            await until { control.activeCount == 1 }
            let waiting = try await bench.client.send(work("b"))
            let later = try await bench.client.send(work("c"), countdown: .seconds(60))
            await until { control.jobs.count == 3 }
            let phases = Dictionary(uniqueKeysWithValues: control.jobs.map { ($0.request.id, $0.phase) })
            #expect(phases == [running.id: .active, waiting.id: .reserved, later.id: .scheduled])
            await until { control.jobs.first?.startTime == bench.timers.now }
            #expect(control.jobs.filter { $0.startTime != nil }.map(\.request.id) == [running.id])
            #expect(control.runCounts == ["work": 1] && control.runCount == 1 && control.activeCount == 1)
            #expect(control.taskNames == ["work"] && control.queues == ["q"] && control.nodeName == "w@test")
            // The window of 4, plus the message whose task waits for its time.
            #expect(control.prefetchCount == 5)
            finish.open()
            #expect(try await waiting.get() == "b")
            await until { control.jobs.map(\.request.id) == [later.id] }
            #expect(control.runCounts == ["work": 2])
        }
    }

    @Test("ends withdrawn tasks wherever they are, and those that come later")
    func revocation() async throws {
        let bench = Bench()
        let (part, finish, seen) = (ControlProbe(), Gate(), NIOLockedValueBox<[String]>([]))
        let worker = bench.worker(concurrency: 1, parts: [part]) {
            work.handler { text in
                seen.withLockedValue { $0.append(text) }
                await finish.wait()
                return text
            }
        }
        try await bench.run(worker) {
            let control = await part.control()
            let running = try await bench.client.send(work("running"))
            await until { control.activeCount == 1 }
            let waiting = try await bench.client.send(work("waiting"))
            let later = try await bench.client.send(work("later"), countdown: .seconds(60))
            await until { control.jobs.count == 3 }
            control.revoke([running.id, waiting.id, later.id])
            #expect(control.revokedIDs == [running.id, waiting.id, later.id])
            // The task ends at once, not when its time comes.
            await expectRevoked("revoked") { _ = try await later.get() }
            #expect(control.jobs.contains { $0.phase == .scheduled } == false)
            finish.open()
            await expectRevoked("revoked") { _ = try await waiting.get() }
            // The running task continues.
            #expect(try await running.get() == "running")
            #expect(seen.withLockedValue { $0 } == ["running"])
        }
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("terminates a running task: its handler is cancelled, the task is revoked, and the place is free again")
    func termination() async throws {
        let bench = Bench()
        let (part, cancelled) = (ControlProbe(), NIOLockedValueBox(false))
        let worker = bench.worker(concurrency: 1, parts: [part]) {
            work.handler { text in
                do {
                    try await Task.sleep(for: .seconds(600))
                } catch {
                    cancelled.withLockedValue { $0 = true }
                    throw error
                }
                return text
            }
            quick.handler { $0 }
        }
        try await bench.run(worker) {
            let control = await part.control()
            let running = try await bench.client.send(work("a"))
            await until { control.runCount == 1 }
            #expect(control.terminate(["other"], signal: 15) == [])
            #expect(control.terminate([running.id], signal: 9) == [running.id])
            await expectRevoked("terminated(signal: 9)") { _ = try await running.get() }
            #expect(try await bench.client.send(quick("b")).get() == "b")
        }
        #expect(cancelled.withLockedValue { $0 })
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("begins a task as often as its rate limit allows, and changes limits while it runs")
    func rateLimits() async throws {
        let bench = Bench()
        let (part, seen) = (ControlProbe(), NIOLockedValueBox<[String]>([]))
        let worker = bench.worker(concurrency: 2, prefetchMultiplier: 8, parts: [part]) {
            work.handler(options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(60)))) { text in
                seen.withLockedValue { $0.append(text) }
                return text
            }
            quick.handler { $0 }
        }
        try await bench.run(worker) {
            let control = await part.control()
            #expect(control.options(of: "work")?.rateLimit == RateLimit(1, per: .seconds(60)))
            for number in 0..<6 { _ = try await bench.client.send(work("\(number)")) }
            await until { seen.withLockedValue { $0 } == ["0"] && control.jobs.count == 5 }
            #expect(control.jobs.allSatisfy { $0.phase == .reserved })
            // Other tasks are not held up.
            #expect(try await bench.client.send(quick("x")).get() == "x")
            bench.timers.advance(by: .seconds(60))
            await until { seen.withLockedValue { $0 } == ["0", "1"] }
            #expect(control.setRateLimit(RateLimit(1), of: "work"))
            await until { seen.withLockedValue { $0 } == ["0", "1", "2"] }
            bench.timers.advance(by: .seconds(1))
            await until { seen.withLockedValue { $0 } == ["0", "1", "2", "3"] }
            #expect(control.setRateLimit(nil, of: "work"))
            await until { seen.withLockedValue { $0.count } == 6 }
            #expect(control.setRateLimit(nil, of: "nothing") == false)
        }
    }

    @Test("begins tasks as they come where rate limits are disabled, also under a new limit")
    func disabledRateLimits() async throws {
        let bench = Bench()
        let part = ControlProbe()
        let worker = bench.worker(parts: [part], configure: { $0.disablesRateLimits = true }) {
            quick.handler(options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(60)))) { $0 }
        }
        try await bench.run(worker) {
            let control = await part.control()
            for text in ["1", "2", "3"] { _ = try await bench.client.send(quick(text)).get() }
            #expect(control.setRateLimit(RateLimit(1, per: .seconds(600)), of: "quick"))
            for text in ["4", "5", "6"] { _ = try await bench.client.send(quick(text)).get() }
            #expect(control.options(of: "quick")?.rateLimit == RateLimit(1, per: .seconds(600)))
        }
    }

    @Test("changes time limits of the runs that follow")
    func timeLimits() async throws {
        let bench = Bench()
        let part = ControlProbe()
        let worker = bench.worker(parts: [part]) {
            work.handler { text in
                try await Task.sleep(for: .seconds(600))
                return text
            }
        }
        try await bench.run(worker) {
            let control = await part.control()
            #expect(control.setTimeLimits(TimeLimits(hard: .seconds(2)), of: "work"))
            #expect(control.setTimeLimits(TimeLimits(), of: "nothing") == false)
            let result = try await bench.client.send(work("a"))
            await until { control.runCount == 1 && bench.timers.count > 0 }
            bench.timers.advance(by: .seconds(2))
            do {
                _ = try await result.get()
                Issue.record("it ended in time")
            } catch let error as RemoteTaskError {
                #expect(error.type == "TimeLimitExceeded")
            }
        }
    }

    @Test("tells observers what happens to tasks, and only those that listen")
    func observation() async throws {
        let bench = Bench()
        let (part, deaf) = (ControlProbe(), ControlProbe(isListening: false))
        let worker = bench.worker(concurrency: 1, parts: [part, deaf]) {
            quick.handler { $0 }
            work.handler { _ in throw TaskFailure("ValueError", "no") }
        }
        try await bench.run(worker) {
            let control = await part.control()
            let answer = try await bench.client.send(quick("a")).get()
            #expect(answer == "a")
            // Observers learn of the end after the result is stored.
            await until { part.told.count == 3 }
            _ = try? await bench.client.send(work("b")).get()
            await until { part.told.count == 6 }
            control.revoke(["c"])
            _ = try? await bench.client.send([quick("c")], options: SendOptions(taskID: "c"))[0].get()
            await until { part.told.count == 7 }
            _ = try? await bench.client.send(Signature("nobody", arguments: [], returning: Int.self)).get()
            await until { part.told.count == 8 }
        }
        #expect(
            part.told == [
                "received quick", "started quick", "ended quick success", "received work", "started work",
                "ended work failure", "ended quick revoked", "ended nobody unregistered",
            ])
        #expect(deaf.told == [])
    }

    private func expectRevoked(_ reason: String, _ call: () async throws -> Void) async {
        do {
            try await call()
            Issue.record("it was not revoked")
        } catch {
            let error = error as? RemoteTaskError
            #expect(error?.state == .revoked && error?.type == reason)
        }
    }

    @Test("grows and shrinks while it works")
    func resizing() async throws {
        let bench = Bench()
        let (part, finish) = (ControlProbe(), Gate())
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1, parts: [part]) {
            work.handler(options: TaskOptions(placement: .blocking)) { text in
                await finish.wait()
                return text
            }
            quick.handler { $0 }
        }
        try await bench.run(worker) {
            let control = await part.control()
            let sent = try await bench.client.send(["a", "b", "c"].map { work($0) })
            await until { control.activeCount == 1 }
            try await control.resize(by: 2)
            #expect(control.concurrency == 3 && control.prefetchCount == 3)
            await until { control.activeCount == 3 }
            try await control.resize(by: -2)
            #expect(control.concurrency == 1 && control.prefetchCount == 1)
            // The running task continues.
            #expect(control.activeCount == 3)
            finish.open()
            #expect(try await sent.get() == ["a", "b", "c"])
            await until { control.activeCount == 0 }
            #expect(try await bench.client.send(quick("d")).get() == "d")
            // Slots that were dismissed but had not ended stay.
            try await control.resize(by: 1)
            #expect(control.concurrency == 2)
            #expect(try await bench.client.send(["e", "f", "g"].map { quick($0) }).get() == ["e", "f", "g"])
            for change in [-2, 65_535, Int.min] {
                await #expect(throws: CeleriacError.self) { try await control.resize(by: change) }
            }
            #expect(control.concurrency == 2)
        }
    }
}
