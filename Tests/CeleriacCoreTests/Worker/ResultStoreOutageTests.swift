import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Logging
import MetricsTestKit
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

private let echo = TaskDefinition<Int, Int>("echo")
private let ignored = TaskDefinition<Int, Void>("ignored")

/// What a worker does while its result store is out of reach, in virtual time.
@Suite("A result store that is down", .timeLimit(.minutes(5))) struct ResultStoreOutageTests {
    private let store = ScriptedStore()
    private let log = LogRecorder()
    private let metrics = TestMetrics()
    private let probe = ControlProbe(isListening: false)
    private let run = NIOLockedValueBox<[Int]>([])
    /// Holds the tasks with numbers from 100.
    private let gate = Gate()

    private var bench: Bench { Bench(store: store, logger: log.logger) }

    private func worker(
        at bench: Bench, concurrency: Int = 1, prefetchMultiplier: Int = 4,
        acknowledgement: TaskOptions.Acknowledgement = .late, pauses: Bool = false
    ) -> TaskWorker {
        bench.worker(
            concurrency: concurrency, prefetchMultiplier: prefetchMultiplier, acknowledgement: acknowledgement,
            parts: [probe]
        ) {
            $0.pausesWithoutResultStore = pauses
            $0.metrics = metrics
        } handlers: {
            echo.handler { [run, gate] number in
                run.withLockedValue { $0.append(number) }
                if number >= 100 { await gate.wait() }
                return number
            }
            ignored.handler(options: TaskOptions(ignoresResult: true)) { [run] number in
                run.withLockedValue { $0.append(number) }
            }
        }
    }

    private var ran: [Int] { run.withLockedValue { $0 } }
    private var warnings: [LogRecorder.Line] { log.lines(at: .warning) + log.lines(at: .error) }
    private var returns: [LogRecorder.Line] {
        log.lines(at: .info).filter { $0.text == "the result store is back" }
    }
    private var gauge: [Double] {
        get throws {
            try metrics.expectGauge("celeriac_result_store_up", [("worker", "w@test")]).values
        }
    }

    /// Lets virtual time pass, a step at a time, until something is so. Where a store that answers must not seem to
    /// hesitate on a slow machine, the steps are small.
    private func pass(
        at bench: Bench, steps: Duration = .milliseconds(250), until condition: () async throws -> Bool
    ) async throws {
        try await until {
            if try await condition() { return true }
            bench.timers.advance(by: steps)
            return false
        }
    }

    private func stored(_ results: [AsyncResult<Int>]) async throws -> Int {
        try await store.memory.fetch(results.map(\.id)).count { $0 != nil }
    }

    // MARK: Going on

    @Test("holds up acknowledgements until it is back, and is told once", arguments: [5, 300])
    func comesBack(seconds: Int) async throws {
        let bench = bench
        let worker = worker(at: bench)
        try await bench.run(worker) {
            #expect(worker.resultStoreOutage == nil)
            store.become(.down)
            let start = bench.timers.now
            let results = try await bench.client.send((0..<6).map { echo($0) })
            await until { store.calls > 0 }
            try await pass(at: bench, steps: .seconds(seconds) / 50) {
                bench.timers.now.timeIntervalSince(start) >= Double(seconds)
            }
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            // The window is full of what waits.
            await until { ran == [0, 1, 2, 3] }
            #expect(bench.memory.count(in: "q") == 2)
            #expect(try await stored(results) == 0)
            #expect(await probe.control().resultStoreOutage != nil)
            #expect(try gauge == [1, 0])
            store.become(.up)
            try await pass(at: bench, steps: .milliseconds(20)) { try await stored(results) == 6 }
            #expect(worker.resultStoreOutage == nil)
            #expect(try await results.get() == Array(0..<6))
            await until { returns.count == 1 }
        }
        #expect(bench.memory.count(in: "q") == 0)
        #expect(try gauge == [1, 0, 1])
        try #require(warnings.count == 1, "\(warnings)")
        #expect(warnings[0].text.hasPrefix("the result store is out of reach"))
        #expect(warnings[0].metadata["store"] == "scripted://store")
        #expect(warnings[0].metadata["error"]?.contains("nobody listens") == true)
        #expect((1...4).contains(warnings[0].metadata["outcomes"].flatMap { Int($0) } ?? 0))
        #expect((1...6).contains(returns[0].metadata["stored"].flatMap { Int($0) } ?? 0))
        #expect((returns[0].metadata["seconds"].flatMap { Double($0) } ?? 0) >= Double(seconds))
    }

    @Test("for ever: the worker ends all the same, and what is not stored goes back")
    func neverComesBack() async throws {
        let bench = bench
        let worker = worker(at: bench)
        store.become(.down)
        let results = try await bench.client.send((0..<6).map { echo($0) })
        try await bench.run(worker) {
            try await pass(at: bench, steps: .seconds(60)) { store.calls > 30 && ran.count == 4 }
            #expect(try await stored(results) == 0)
        }
        #expect(bench.memory.count(in: "q") == 6)
        #expect(warnings.count == 1 && returns.isEmpty)
        let again = log.lines(at: .notice).filter { $0.text.hasPrefix("tasks have ended whose outcomes") }
        #expect(again.map { $0.metadata["tasks"] } == ["4"])
        #expect(log.lines(of: "messages have gone back to their queues").first?.metadata["messages"] == "4")
    }

    @Test("that stands still is noticed as well; no timer is left when it answers")
    func frozen() async throws {
        let bench = bench
        let worker = worker(at: bench)
        try await bench.run(worker) {
            store.become(.frozen)
            let results = try await bench.client.send((0..<3).map { echo($0) })
            await until { ran.count == 3 && store.calls == 1 && bench.timers.count == 1 }
            bench.timers.advance(by: .seconds(2.5))
            #expect(warnings.isEmpty)
            bench.timers.advance(by: .seconds(0.5))
            #expect(warnings.count == 1)
            #expect(warnings.first?.metadata["error"] == "it does not answer")
            #expect(warnings.first?.metadata["outcomes"] == "3")
            #expect(worker.resultStoreOutage == .seconds(3))
            bench.timers.advance(by: .seconds(300))
            store.become(.up)
            #expect(try await results.get() == [0, 1, 2])
            await until { returns.count == 1 }
            #expect(returns.first?.metadata["stored"] == "3" && returns.first?.metadata["seconds"] == "303.0")
            await until { bench.timers.count == 0 }
        }
        #expect(warnings.count == 1)
        #expect(try gauge == [1, 0, 1])
    }

    @Test("that stands still does not hold up a stop past its bound, nor keep messages until the process ends")
    func frozenForEver() async throws {
        let bench = bench
        let worker = worker(at: bench)
        store.become(.frozen)
        _ = try await bench.client.send((0..<3).map { echo($0) })
        let running = Task { try await worker.run() }
        await until { ran.count == 3 && store.calls == 1 }
        await until { bench.timers.count == 1 }
        bench.timers.advance(by: .seconds(3))
        #expect(warnings.count == 1)
        worker.stop()
        await until { bench.timers.count == 1 }
        bench.timers.advance(by: .seconds(20))
        await until { bench.memory.count(in: "q") == 3 }
        bench.timers.advance(by: .seconds(5))
        try await running.value
        store.become(.up)
    }

    @Test("and never came back is forgotten when the worker runs again")
    func nextRun() async throws {
        let bench = bench
        let worker = worker(at: bench, pauses: true)
        store.become(.down)
        let result = try await bench.client.send(echo(1))
        try await bench.run(worker) {
            try await pass(at: bench) { worker.resultStoreOutage != nil }
        }
        store.become(.up)
        // Whatever held the message back is over: nobody asks the store before the worker takes it.
        let next = bench.worker {
            $0.pausesWithoutResultStore = true
        } handlers: {
            echo.handler { $0 }
        }
        let value = try await bench.run(next) { try await result.get() }
        #expect(value == 1 && next.resultStoreOutage == nil)
    }

    @Test("that refuses is there: nothing is told")
    func refusing() async throws {
        let bench = bench
        store.become(.refusing)
        let worker = worker(at: bench)
        try await bench.run(worker) {
            _ = try await bench.client.send(echo(1))
            try await pass(at: bench) { bench.memory.parked(from: "q").count == 1 }
            #expect(worker.resultStoreOutage == nil)
        }
        #expect(try gauge == [1] && returns.isEmpty)
    }

    @Test("that refuses everything is like one that cannot be reached: results wait, and it is told with the reason")
    func refusingAll() async throws {
        let bench = bench
        store.become(.refusingAll)
        let worker = worker(at: bench)
        try await bench.run(worker) {
            let result = try await bench.client.send(echo(1))
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            try await pass(at: bench) { store.calls > 8 }
            #expect(bench.memory.parked(from: "q").isEmpty)
            store.become(.up)
            try await pass(at: bench, steps: .milliseconds(20)) { try await stored([result]) == 1 }
            await until { returns.count == 1 }
        }
        let outages = warnings.filter { $0.text.hasPrefix("the result store is out of reach") }
        #expect(outages.count == 1 && outages.first?.metadata["error"]?.contains("no such database") == true)
        #expect(try gauge == [1, 0, 1])
    }

    @Test("that stands still holds up parking for three seconds, and is noticed by what is parked")
    func parking() async throws {
        let bench = bench
        let worker = worker(at: bench)
        @Sendable func publish(_ id: Int) async throws {
            let message = WireMessage(body: Array(#"{"id": "\#(id)"}"#.utf8))
            try await bench.memory.publish([OutgoingMessage(message: message, routingKey: "q")])
        }
        @Sendable func parked() -> Int { bench.memory.parked(from: "q").count }
        @Sendable func outages() -> Int { warnings.count { $0.text.hasPrefix("the result store is out of reach") } }
        try await bench.run(worker) {
            store.become(.frozen)
            try await publish(1)
            await until { store.calls == 1 }
            bench.timers.advance(by: .seconds(2.5))
            #expect(parked() == 0 && outages() == 0)
            bench.timers.advance(by: .seconds(0.5))
            await until { parked() == 1 && store.calls == 2 }
            // The clock has run since the store was asked first.
            bench.timers.advance(by: .milliseconds(20))
            #expect(outages() == 1 && (worker.resultStoreOutage ?? .zero) >= .seconds(3))
            // What comes during an outage does not ask the store.
            try await publish(2)
            await until { parked() == 2 }
            #expect(store.calls == 2)
            store.become(.up)
            await until { returns.count == 1 }
            try await until { try await store.memory.fetch(["1", "2"]).allSatisfy { $0 != nil } }
        }
        #expect(outages() == 1)
        #expect(try gauge == [1, 0, 1])
    }

    @Test("bounds the outcomes of tasks that are acknowledged early, too")
    func earlyAcknowledgement() async throws {
        let bench = bench
        let worker = worker(at: bench, prefetchMultiplier: 2, acknowledgement: .early)
        store.become(.down)
        try await bench.run(worker) {
            let results = try await bench.client.send((0..<20).map { echo($0) })
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            let calls = store.calls
            try await pass(at: bench) { store.calls > calls + 5 }
            // The window, and the task that was in the slot.
            #expect((2...4).contains(ran.count), "\(ran)")
            #expect(bench.memory.count(in: "q") >= 20 - 4)
            store.become(.up)
            try await pass(at: bench, steps: .milliseconds(20)) { try await stored(results) == 20 }
        }
        #expect(ran == Array(0..<20))
        #expect(warnings.count == 1 && returns.count == 1)
    }

    @Test("does not hold up tasks whose results nobody wants, and is not back because of what it is not asked")
    func unasked() async throws {
        let bench = bench
        let worker = worker(at: bench)
        store.become(.down)
        try await bench.run(worker) {
            _ = try await bench.client.send(echo(1))
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            // Its store counts no chords, so the part of one asks nobody.
            let member = WireMessage(
                headers: ["group": "g"], body: Array(#"{"id": "m", "name": "ignored", "args": [7]}"#.utf8))
            try await bench.memory.publish([OutgoingMessage(message: member, routingKey: "q")])
            for number in 2..<9 { _ = try await bench.client.send(ignored(number)) }
            await until { ran.count == 9 }
            #expect(worker.resultStoreOutage != nil && returns.isEmpty)
        }
        // Only the first was not acknowledged.
        #expect(bench.memory.count(in: "q") == 1)
        #expect(warnings.count == 1 && returns.isEmpty)
        #expect(try gauge == [1, 0])
    }

    @Test("is noticed as well by who only has parts of chords to count")
    func counting() async throws {
        let counting = ScriptedStore(.down, countsChords: true)
        let bench = Bench(store: counting, logger: log.logger)
        let worker = worker(at: bench)
        let member = WireMessage(
            headers: ["group": "g"], body: Array(#"{"id": "m", "name": "ignored", "args": [7]}"#.utf8))
        try await bench.memory.publish([OutgoingMessage(message: member, routingKey: "q")])
        try await bench.run(worker) {
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            counting.become(.up)
            try await pass(at: bench, steps: .milliseconds(20)) { returns.count == 1 }
            #expect(worker.resultStoreOutage == nil)
        }
        #expect(bench.memory.count(in: "q") == 0 && ran == [7])
        #expect(warnings.count == 1)
    }

    // MARK: Pausing

    @Test("has a worker that is set to pause give back what it has not begun, and go on when it is back")
    func pause() async throws {
        let bench = bench
        let worker = worker(at: bench, concurrency: 1, prefetchMultiplier: 6, pauses: true)
        try await bench.run(worker) {
            store.become(.frozen)
            let later = try await bench.client.send(echo(50), eta: bench.timers.now.addingTimeInterval(3600))
            let first = try await bench.client.send(echo(1))
            let held = try await bench.client.send(echo(100))
            let others = try await bench.client.send([echo(2), echo(3)])
            await until { ran == [1, 100] && store.calls == 1 && bench.memory.count(in: "q") == 0 }
            bench.timers.advance(by: .seconds(3))
            await until { bench.memory.count(in: "q") == 3 }
            #expect(await probe.control().jobs.map(\.phase) == [.active])
            // What comes now stays in the queue.
            let latest = try await bench.client.send(echo(4))
            #expect(bench.memory.count(in: "q") == 4)
            gate.open()
            await probe.control().catchUp()
            #expect(bench.memory.count(in: "q") == 4)
            #expect(warnings.count == 1 && warnings.first?.text.contains("no tasks are taken") == true)
            store.become(.up)
            #expect(try await first.get() == 1)
            #expect(try await held.get() == 100)
            #expect(try await others.get() == [2, 3])
            #expect(try await latest.get() == 4)
            // Only the task with an ETA waits.
            await until { bench.memory.count(in: "q") == 0 && bench.timers.count == 1 }
            bench.timers.advance(by: .seconds(3600))
            #expect(try await later.get() == 50)
        }
        #expect(ran == [1, 100, 2, 3, 4, 50])
        #expect(warnings.count == 1 && returns.count == 1, "\(warnings)")
    }

    @Test("has a paused worker hold tasks whose messages the broker keeps, and give them back when they are due")
    func pauseOfKept() async throws {
        let bench = Bench(store: store, logger: log.logger) { ShelvingBroker($0) }
        let broker = try #require(bench.broker as? ShelvingBroker)
        let worker = worker(at: bench, prefetchMultiplier: 6, pauses: true)
        try await bench.run(worker) {
            store.become(.frozen)
            _ = try await bench.client.send(echo(50), eta: bench.timers.now.addingTimeInterval(600))
            let first = try await bench.client.send(echo(1))
            await until { ran == [1] && store.calls == 1 && broker.shelvedCount == 1 }
            bench.timers.advance(by: .seconds(3))
            await until { warnings.count == 1 }
            #expect(broker.shelvedCount == 1 && bench.memory.count(in: "q") == 0)
            try await pass(at: bench, steps: .seconds(5)) { bench.memory.count(in: "q") == 1 }
            #expect(broker.recalls == [1] && ran == [1])
            store.become(.up)
            #expect(try await first.get() == 1)
            try await pass(at: bench, steps: .milliseconds(20)) { ran == [1, 50] }
        }
        #expect(broker.misuses == 0 && bench.memory.count(in: "q") == 0)
    }

    @Test("has a worker pause where the transport cannot stop consuming a queue")
    func pauseWithoutRemoval() async throws {
        let bench = Bench(store: store, logger: log.logger) { FaultyBroker($0) }
        let worker = worker(at: bench, prefetchMultiplier: 6, pauses: true)
        try await bench.run(worker) {
            store.become(.frozen)
            let first = try await bench.client.send(echo(1))
            let held = try await bench.client.send(echo(100))
            let others = try await bench.client.send([echo(2), echo(3)])
            await until { ran == [1, 100] && store.calls == 1 && bench.memory.count(in: "q") == 0 }
            bench.timers.advance(by: .seconds(3))
            await until { bench.memory.count(in: "q") == 2 }
            store.become(.up)
            gate.open()
            #expect(try await first.get() == 1)
            #expect(try await held.get() == 100)
            #expect(try await others.get() == [2, 3])
        }
        #expect(ran == [1, 100, 2, 3])
        #expect(warnings.count == 1 && returns.count == 1)
    }

    @Test("has a paused worker stop, and keep queues that are added or removed meanwhile")
    func queuesWhilePaused() async throws {
        let bench = bench
        let worker = worker(at: bench, pauses: true)
        try await bench.run(worker) {
            store.become(.down)
            _ = try await bench.client.send(echo(1))
            try await pass(at: bench) { worker.resultStoreOutage != nil }
            let control = await probe.control()
            try await control.addQueue("other")
            try await control.addQueue("third")
            try await control.removeQueue("third")
            let other = try await bench.client.send(echo(2), options: SendOptions(queue: "other"))
            _ = try await bench.client.send(echo(3), options: SendOptions(queue: "third"))
            #expect(control.queues == ["q", "other"])
            store.become(.up)
            try await pass(at: bench, steps: .milliseconds(20)) { try await stored([other]) == 1 }
            #expect(bench.memory.count(in: "third") == 1)
            store.become(.down)
            _ = try await bench.client.send(echo(4))
            try await pass(at: bench) { worker.resultStoreOutage != nil }
        }
        #expect(bench.memory.count(in: "q") == 1)
        #expect(warnings.count == 2 && returns.count == 1)
    }
}
