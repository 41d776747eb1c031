import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing

@testable import CeleriacCore

/// How a worker begins and ends.
@Suite("Worker's life", .timeLimit(.minutes(5))) struct WorkerLifeTests {
    /// A broker that nobody can consume from.
    private struct ClosedBroker: MessageBroker {
        let error: CeleriacError
        var name: String { "closed" }
        func publish(_ messages: [OutgoingMessage]) async throws {}
        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { throw error }
        func close() async {}
    }

    /// A broker that answers those who want to consume only when it is told to.
    private struct SlowBroker: MessageBroker {
        let strict = StrictBroker(MemoryBroker())
        let asked: @Sendable () -> Void
        let answer: @Sendable () async -> Void
        var name: String { "slow" }

        init(asked: @escaping @Sendable () -> Void, answer: @escaping @Sendable () async -> Void) {
            self.asked = asked
            self.answer = answer
        }

        func publish(_ messages: [OutgoingMessage]) async throws {}

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            asked()
            await answer()
            return try await strict.consume(options)
        }

        func close() async {}
    }

    /// A broker in memory whose connection is lost when a test says so.
    private struct LosableBroker: MessageBroker {
        let memory: MemoryBroker
        let news = NIOLockedValueBox(ConsumerNews())
        var name: String { memory.name }

        init(memory: MemoryBroker) { self.memory = memory }

        func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            news.withLockedValue { $0 = options.news }
            return try await memory.consume(options)
        }

        func close() async { await memory.close() }

        /// Loses the connection.
        ///
        /// - Returns: whether the worker wants to know.
        func lose() -> Bool {
            let tell = news.withLockedValue { $0.isLost }
            tell?(CeleriacError(.unavailable, "gone"))
            return tell != nil
        }
    }

    private func code(of body: () async throws -> Void) async -> CeleriacError.Code? {
        do { try await body() } catch { return (error as? CeleriacError)?.code }
        return nil
    }

    @Test("whoever waits for a worker that ends before it is ready gets its error")
    func readyThrows() async throws {
        let bench = Bench { _ in ClosedBroker(error: CeleriacError(.configuration, "no")) }
        let worker = bench.worker {}
        async let ready = code { try await worker.ready() }
        #expect(await code { try await worker.run() } == .configuration)
        #expect(await ready == .configuration)
        #expect(await code { try await worker.ready() } == .configuration)
    }

    @Test("a stop cuts short the pause before the next attempt to connect, and nobody waits on")
    func stopWhileConnecting() async throws {
        let bench = Bench { _ in ClosedBroker(error: CeleriacError(.unavailable, "away")) }
        let worker = bench.worker {}
        async let ready = code { try await worker.ready() }
        async let run: Void = worker.run()
        await until { bench.timers.count == 1 }
        worker.stop()
        // Virtual time stands still all the while.
        try await run
        #expect(await ready == .closed && bench.timers.count == 0)
    }

    @Test("a worker that may try only once ends with the error of a broker that is out of reach")
    func onlyOneAttempt() async throws {
        let bench = Bench { _ in ClosedBroker(error: CeleriacError(.unavailable, "away")) }
        let worker = bench.worker(configure: { $0.retriesFirstConnection = false }, handlers: {})
        #expect(await code { try await worker.run() } == .unavailable)
        #expect(await code { try await worker.ready() } == .unavailable)
        #expect(bench.timers.count == 0)
    }

    @Test("a worker that may try a few times ends with the error when they are over")
    func fewAttempts() async throws {
        let bench = Bench { _ in ClosedBroker(error: CeleriacError(.unavailable, "away")) }
        let worker = bench.worker(configure: { $0.maximumFirstRetries = 2 }, handlers: {})
        let isOver = Gate()
        async let run = code {
            defer { isOver.open() }
            try await worker.run()
        }
        // While time advances, the second pause may begin and end with the first.
        await until {
            bench.timers.advance(by: .seconds(60))
            return isOver.isOpen
        }
        #expect(await run == .unavailable && bench.timers.count == 0)
    }

    @Test("a worker that may not connect again lets its tasks end and fails with the loss, unless it stops already")
    func lostForGood() async throws {
        for stopsFirst in [false, true] {
            let bench = Bench { LosableBroker(memory: $0) }
            let broker = try #require(bench.broker as? LosableBroker)
            let (started, goesOn) = (Gate(), Gate())
            let task = TaskDefinition<String, String>("echo")
            let worker = bench.worker(configure: { $0.retriesLostConnection = false }) {
                task.handler { text in
                    started.open()
                    await goesOn.wait()
                    return text
                }
            }
            async let run = code { try await worker.run() }
            try await worker.ready()
            let sent = try await bench.client.send(task("a"))
            await started.wait()
            if stopsFirst { worker.stop() }
            #expect(broker.lose())
            goesOn.open()
            let (ending, expected) = (await run, stopsFirst ? nil : CeleriacError.Code.unavailable)
            #expect(ending == expected)
            #expect(try await sent.get() == "a")
        }
    }

    @Test("a worker that may connect again does not end with a loss")
    func lostForAWhile() async throws {
        let bench = Bench { LosableBroker(memory: $0) }
        let broker = try #require(bench.broker as? LosableBroker)
        try await bench.run(bench.worker {}) { #expect(!broker.lose()) }
    }

    @Test("cancellation ends a worker that connects, and whoever waits for it")
    func cancelWhileConnecting() async throws {
        let bench = Bench { _ in ClosedBroker(error: CeleriacError(.unavailable, "away")) }
        let worker = bench.worker {}
        let run = Task { try await worker.run() }
        await until { bench.timers.count == 1 }
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        await #expect(throws: CancellationError.self) { try await worker.ready() }
    }

    @Test("a wait for a worker can be cancelled")
    func cancelledWait() async throws {
        let worker = Bench().worker {}
        let ready = Task { try await worker.ready() }
        ready.cancel()
        await #expect(throws: CancellationError.self) { try await ready.value }
    }

    @Test("nobody waits for a worker that was stopped before it ran")
    func stopBeforeRun() async throws {
        let worker = Bench().worker {}
        async let ready = code { try await worker.ready() }
        worker.stop()
        #expect(await ready == .closed)
        try await worker.run()
    }

    @Test("a stop does not wait for an attempt to connect, whose consumer is closed when it comes")
    func stopWhileConsuming() async throws {
        let (attempt, answer) = (Gate(), Gate())
        let slow = SlowBroker {
            attempt.open()
        } answer: {
            await answer.wait()
        }
        let worker = Bench { _ in slow }.worker {}
        async let ready = code { try await worker.ready() }
        async let run: Void = worker.run()
        await attempt.wait()
        worker.stop()
        try await run
        #expect(await ready == .closed)
        #expect(!slow.strict.isConsumerClosed)
        answer.open()
        await until { slow.strict.isConsumerClosed }
    }

    @Test("a worker that was ready stays so for those who ask later")
    func readyAfterStop() async throws {
        let bench = Bench()
        let worker = bench.worker {}
        try await bench.run(worker) { try await worker.ready() }
        try await worker.ready()
    }

    @Test("a launched worker returns normally when remote control shuts it down")
    func launch() async throws {
        let bench = Bench()
        let probe = ControlProbe()
        let worker = bench.worker(parts: [probe]) {}
        async let launched: Void = worker.launch()
        await probe.control().stop()
        try await launched
    }
}
