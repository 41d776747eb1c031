import CeleriacTestKit
import Glibc
import NIOConcurrencyHelpers
import Testing
import UnixSignals

@testable import CeleriacCore

private let work = TaskDefinition<Void>("work")

/// How long the stop of a worker, a client and a beat takes when a server stands still.
@Suite("Stops at a frozen server", .serialized, .timeLimit(.minutes(5))) struct WorkerStopTests {
    private let frozen = FrozenBroker()
    private let started = Gate()
    private let cancelled = Gate()

    /// A worker whose one handler ends only when it is cancelled.
    private func worker(
        on bench: Bench, signals: [UnixSignal] = [.sigint, .sigterm], stopTimeout: Duration = .seconds(25)
    ) -> TaskWorker {
        bench.worker(signals: signals) {
            $0.stopTimeout = stopTimeout
        } handlers: {
            work.handler { [started, cancelled] in
                started.open()
                await withTaskCancellationHandler {
                    await cancelled.wait()
                } onCancel: {
                    cancelled.open()
                }
                try Task.checkCancellation()
            }
        }
    }

    @Test("a worker stops within its bound, and cancels its handlers before")
    func bound() async throws {
        let bench = Bench { _ in frozen }
        let worker = worker(on: bench)
        _ = try await bench.client.send(work())
        let run = Task { try await worker.run() }
        await started.wait()
        frozen.freeze()
        let before = bench.timers.count
        worker.stop()
        await until { bench.timers.count > before }
        bench.timers.advance(by: .seconds(19))
        #expect(!cancelled.isOpen)
        bench.timers.advance(by: .seconds(6))
        try await run.value
        #expect(cancelled.isOpen && worker.hasGivenUp)
        // What still waited goes on once the server answers: the message is given back.
        frozen.thaw()
        await until { frozen.count(in: "q") == 1 }
    }

    @Test("a stop that cancels a task has given up, though its servers answer")
    func cancelledTask() async throws {
        let bench = Bench()
        let worker = worker(on: bench)
        _ = try await bench.client.send(work())
        async let run: Void = worker.run()
        await started.wait()
        // The stop sets its timer before this returns.
        worker.stop()
        bench.timers.advance(by: .seconds(20))
        try await run
        #expect(cancelled.isOpen && worker.hasGivenUp)
        #expect(bench.memory.count(in: "q") == 1)
    }

    @Test("a stop in which everything ends has not given up")
    func everythingEnds() async throws {
        let bench = Bench()
        let worker = worker(on: bench)
        _ = try await bench.client.send(work())
        async let run: Void = worker.run()
        await started.wait()
        worker.stop()
        // The handler waits for this, too.
        cancelled.open()
        try await run
        #expect(!worker.hasGivenUp && bench.memory.count(in: "q") == 0)
    }

    @Test("a stop timeout below zero is refused")
    func negative() async throws {
        let worker = worker(on: Bench(), stopTimeout: .seconds(-1))
        let error = await #expect(throws: CeleriacError.self) { try await worker.run() }
        #expect(error?.code == .configuration)
    }

    @Test("a second signal ends the wait for a launched worker")
    func secondSignal() async throws {
        let bench = Bench { _ in frozen }
        // Virtual time passes a second at a time: the bound alone would not end before the test's own limit.
        let worker = worker(on: bench, signals: [.sigusr2], stopTimeout: .seconds(1_000_000))
        _ = try await bench.client.send(work())
        let hasEnded = NIOLockedValueBox(false)
        let launched = Task {
            try await worker.launch()
            hasEnded.withLockedValue { $0 = true }
        }
        await started.wait()
        frozen.freeze()
        kill(getpid(), SIGUSR2)
        await until { worker.stopping.isOpen }
        #expect(!hasEnded.withLockedValue { $0 })
        await until {
            kill(getpid(), SIGUSR2)
            bench.timers.advance(by: .seconds(1))
            return hasEnded.withLockedValue { $0 }
        }
        try await launched.value
        #expect(cancelled.isOpen)
        frozen.thaw()
        await until { frozen.count(in: "q") == 1 }
    }

    @Test("a cancelled idle worker waits a second for a broker that gives back by itself what is lost")
    func idleCancelled() async throws {
        let losing = FrozenBroker(isLosing: true)
        let bench = Bench { _ in losing }
        let worker = worker(on: bench)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            try await worker.ready()
            losing.freeze()
            // The stop has set its timers when this returns.
            group.cancelAll()
            bench.timers.advance(by: .seconds(1))
            try await group.waitForAll()
        }
        losing.thaw()
    }

    @Test("a client closes within four seconds")
    func client() async throws {
        let bench = Bench { _ in frozen }
        frozen.freeze()
        async let closed: Void = bench.client.close()
        await until { bench.timers.count == 1 }
        bench.timers.advance(by: .seconds(4))
        await closed
        frozen.thaw()
    }

    @Test("a beat stops within ten seconds")
    func beat() async throws {
        let bench = Bench { _ in frozen }
        frozen.freeze()
        let entry = BeatEntry("tick", try IntervalSchedule(every: .seconds(1)), Signature("work"))
        let beat = try Beat(
            client: bench.client, entries: [entry], configuration: BeatConfiguration(), lock: nil, store: nil,
            timers: bench.timers, executor: nil, logger: bench.logger)
        let run = Task { try await beat.run() }
        await beat.leading()
        // It sleeps, then it sends, and its message is never confirmed.
        await until { bench.timers.count == 1 }
        bench.timers.advance(by: .seconds(1))
        await frozen.isAwaited.wait()
        beat.stop()
        await until { bench.timers.count == 1 }
        #expect(!beat.hasGivenUp)
        bench.timers.advance(by: .seconds(10))
        try await run.value
        #expect(beat.hasGivenUp)
        frozen.thaw()
    }
}
