import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import NIOConcurrencyHelpers
import Testing

private let note = TaskDefinition<String, Void>("note")
private let work = TaskDefinition<Void>("work")

@Suite("Worker at a broker that fails", .timeLimit(.minutes(5)))
struct FaultTests {
    @Test("what ran, or waited for a slot or for its time, when the connection was lost runs once")
    func lostConnection() async throws {
        let bench = Bench { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        let runs = NIOLockedValueBox<[String]>([])
        let (started, goOn) = (Gate(), Gate())
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 8) {
            note.handler { text in
                runs.withLockedValue { $0.append(text) }
                if text == "first" {
                    started.open()
                    await goOn.wait()
                }
            }
        }
        try await bench.run(worker) {
            _ = try await bench.client.send(note("first"))
            await started.wait()
            _ = try await bench.client.send(note("waiting"))
            let later = try await bench.client.send(note("later"), countdown: .seconds(60))
            await until { bench.memory.count(in: "q") == 0 && bench.timers.count == 1 }
            // All three messages come again. They take over the tasks that are here.
            try await broker.loseConnection()
            await until { bench.memory.count(in: "q") == 0 && bench.timers.count == 1 }
            goOn.open()
            await until { runs.withLockedValue { $0.count } == 2 }
            bench.timers.advance(by: .seconds(60))
            try await later.get()
        }
        #expect(runs.withLockedValue { $0 } == ["first", "waiting", "later"])
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("what ended after the connection was lost is settled when it comes again, and does not run again")
    func endedUnsettled() async throws {
        let bench = Bench { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        let runs = NIOLockedValueBox<[String]>([])
        let (started, goOn) = (Gate(), Gate())
        // The window has no room for the redelivery before the task has ended.
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1) {
            note.handler { text in
                runs.withLockedValue { $0.append(text) }
                if text == "first" {
                    started.open()
                    await goOn.wait()
                }
            }
        }
        try await bench.run(worker) {
            _ = try await bench.client.send(note("first"))
            await started.wait()
            try await broker.loseConnection()
            goOn.open()
            // They find room in the window, so what was taken over takes none.
            for text in ["second", "third"] { try await bench.client.send(note(text)).get() }
        }
        #expect(runs.withLockedValue { $0 } == ["first", "second", "third"])
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("what asked to run again after the connection was lost runs again")
    func requeuedAfterLoss() async throws {
        let bench = Bench { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        let runs = NIOLockedValueBox(0)
        let (started, goOn) = (Gate(), Gate())
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1) {
            work.handler {
                guard runs.withLockedValue({ runs in (runs += 1, runs).1 }) == 1 else { return }
                started.open()
                await goOn.wait()
                throw Rejection(requeue: true)
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(work())
            await started.wait()
            try await broker.loseConnection()
            goOn.open()
            try await result.get()
        }
        #expect(runs.withLockedValue { $0 } == 2 && bench.memory.count(in: "q") == 0)
    }

    @Test("expired and revoked messages are acknowledged where tasks are acknowledged early", arguments: [true, false])
    func earlyAcknowledgementOfWhatIsNotRun(isRevoked: Bool) async throws {
        let bench = Bench()
        let probe = ControlProbe()
        let worker = bench.worker(concurrency: 1, prefetchMultiplier: 1, acknowledgement: .early, parts: [probe]) {
            work.handler {}
        }
        try await bench.run(worker) {
            let control = await probe.control()
            // More than the window holds: none may stay in it.
            for _ in 0..<5 {
                let result =
                    isRevoked
                    ? try await bench.client.send(work(), countdown: .seconds(60))
                    : try await bench.client.send(work(), expires: bench.timers.now.addingTimeInterval(-1))
                if isRevoked {
                    await until { bench.timers.count == 1 }
                    control.revoke([result.id])
                }
                await #expect(throws: RemoteTaskError.self) { try await result.get() }
            }
            try await bench.client.send(work()).get()
        }
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("a task whose follow-up is refused time and again has failed, and its message is kept aside")
    func refusedFollowUp() async throws {
        let bench = Bench { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        let worker = bench.worker {
            work.handler { context in
                broker.refusePublishes(with: CeleriacError(.publishFailed, "no"))
                try context.retry(after: .seconds(1))
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(work())
            let (timers, hasFailed) = (bench.timers, Gate())
            async let failure = { () async -> (any Error)? in
                defer { hasFailed.open() }
                do { try await result.get() } catch { return error }
                return nil
            }()
            // One step may see the end of more than one pause.
            await until {
                timers.advance(by: .seconds(60))
                return hasFailed.isOpen
            }
            let error = try #require(await failure as? RemoteTaskError)
            #expect(error.type == "OperationalError")
        }
        #expect(bench.memory.parked(from: "q").map(\.fault.reason) == ["followUpNotPublished"])
        #expect(bench.memory.count(in: "q") == 0)
    }

    @Test("a stop does not wait for a broker out of reach: what cannot be done is given back")
    func stopOutOfReach() async throws {
        let bench = Bench { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        let refused = Gate()
        let worker = bench.worker(concurrency: 4) {
            work.handler { context in
                broker.refusePublishes(with: CeleriacError(.unavailable, "away"))
                refused.open()
                try context.retry(after: .seconds(1))
            }
        }
        for _ in 0..<4 { _ = try await bench.client.send(work()) }
        try await bench.run(worker) {
            await refused.wait()
            await until { bench.timers.count == 1 }
        }
        // Virtual time stood still all the while.
        #expect(bench.memory.count(in: "q") == 4)
    }

    @Test("a slot that waits gets the message that there is, however full the window")
    func everySlotIsUsed() async throws {
        let bench = Bench()
        let running = NIOLockedValueBox(0)
        let goOn = Gate()
        let worker = bench.worker(concurrency: 8, prefetchMultiplier: 1) {
            work.handler {
                running.withLockedValue { $0 += 1 }
                await goOn.wait()
            }
        }
        try await bench.run(worker) {
            for count in 1...8 {
                _ = try await bench.client.send(work())
                await until { running.withLockedValue { $0 } == count }
            }
            goOn.open()
        }
    }

    @Test("a closed client lets go of those who wait for results")
    func closedClient() async throws {
        let bench = Bench()
        let result = try await bench.client.send(work())
        async let waiting = { () async -> (any Error)? in
            do { try await result.get() } catch { return error }
            return nil
        }()
        await bench.client.close()
        #expect((await waiting as? CeleriacError)?.code == .closed)
    }
}
