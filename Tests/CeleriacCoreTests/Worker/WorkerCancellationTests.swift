import CeleriacTestKit
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

private let work = TaskDefinition<Void>("work")

/// A broker in memory that confirms nothing in the queue `silent`, and ends the wait for it when its caller is cancelled,
/// as RabbitMQ's client does.
private struct SilentBroker: MessageBroker {
    private struct Cut: TransportError {
        let isRefusedLogin = false
        let mayHaveArrived = true
        let isCancellation = true
    }
    let base: MemoryBroker
    /// Opens when a message waits for its confirmation.
    let isAwaited: Gate

    var name: String { base.name }

    func publish(_ messages: [OutgoingMessage]) async throws {
        guard messages.contains(where: { $0.routingKey == "silent" }) else { return try await base.publish(messages) }
        let isCancelled = Gate()
        await withTaskCancellationHandler {
            isAwaited.open()
            await isCancelled.wait()
        } onCancel: {
            isCancelled.open()
        }
        throw CeleriacError(.publishFailed, "not confirmed", cause: Cut())
    }

    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer { try await base.consume(options) }

    func close() async { await base.close() }
}

/// What a worker still does once the task that runs it is cancelled, and once its consumer is closed.
@Suite("Worker's cancellation", .timeLimit(.minutes(5))) struct WorkerCancellationTests {
    /// A part that uses the worker's control until it has returned, as remote control does with late requests.
    private struct LateControl: WorkerPart {
        let used: NIOLockedValueBox<Int>
        var observer: (any WorkerObserver)? { nil }

        func run(beside worker: WorkerControl, until stopping: Gate) async {
            await stopping.wait()
            let calls: [() async throws -> Void] = [
                { try await worker.addQueue("other") }, { try await worker.removeQueue("other") },
                { try await worker.resize(by: 1) },
            ]
            for call in calls where (try? await call()) != nil { used.withLockedValue { $0 += 1 } }
        }
    }

    /// Waits until the task is cancelled.
    private static func untilCancelled() async {
        let own = Gate()
        await withTaskCancellationHandler {
            await own.wait()
        } onCancel: {
            own.open()
        }
    }

    /// Runs a worker whose one handler ends as `end` does once it is cancelled, and cancels it.
    ///
    /// - Parameters:
    ///   - stopsFirst: whether a graceful stop is under way when the worker is cancelled.
    ///   - end: how the handler ends.
    /// - Returns: the broker in memory behind the worker, and the task's state.
    /// - Throws: what the worker throws.
    private func cancelled(
        stopsFirst: Bool = false, _ end: @escaping @Sendable () throws -> Void
    ) async throws -> (memory: MemoryBroker, state: TaskState) {
        let strict = NIOLockedValueBox<StrictBroker?>(nil)
        let bench = Bench { base in
            let broker = StrictBroker(base)
            strict.withLockedValue { $0 = broker }
            return broker
        }
        let started = Gate()
        let worker = bench.worker {
            work.handler {
                started.open()
                await Self.untilCancelled()
                try end()
            }
        }
        let result = try await bench.client.send(work())
        let run = Task { try await worker.run() }
        await started.wait()
        if stopsFirst { worker.stop() }
        run.cancel()
        try await run.value
        let broker = try #require(strict.withLockedValue { $0 })
        #expect(broker.refused.isEmpty && broker.isConsumerClosed)
        return (bench.memory, try await result.status())
    }

    @Test("a handler that ends when its worker is cancelled has its result stored and its message settled")
    func settles() async throws {
        let (memory, state) = try await cancelled {}
        #expect(state == .success)
        #expect(memory.count(in: "q") == 0 && memory.parked(from: "q").isEmpty)
    }

    @Test("what follows from a task is published when its worker is cancelled")
    func publishes() async throws {
        let (memory, state) = try await cancelled {
            throw RetryError(delay: .seconds(1), maximumRetries: nil, cause: nil)
        }
        #expect(state == .retry)
        #expect(memory.count(in: "q") == 1 && memory.parked(from: "q").isEmpty)
    }

    @Test("a message goes back when its handler obeys the cancellation of the worker")
    func givesBack() async throws {
        let (memory, _) = try await cancelled { try Task.checkCancellation() }
        #expect(memory.count(in: "q") == 1 && memory.parked(from: "q").isEmpty)
    }

    @Test("a message goes back when its handler ends with a send that a stop has cancelled")
    func givesBackWhatSends() async throws {
        let isAwaited = Gate()
        let bench = Bench { base in SilentBroker(base: base, isAwaited: isAwaited) }
        let worker = bench.worker(sends: true) {
            $0.stopTimeout = .seconds(5)
        } handlers: {
            work.handler { context in
                _ = try await context.send(work(), options: SendOptions(queue: "silent"))
            }
        }
        let result = try await bench.client.send(work())
        let run = Task { try await worker.run() }
        await isAwaited.wait()
        let before = bench.timers.count
        worker.stop()
        await until { bench.timers.count > before }
        bench.timers.advance(by: .seconds(4))
        try await run.value
        #expect(bench.memory.count(in: "q") == 1)
        #expect(try await result.status() == .pending)
    }

    @Test("a send that the soft limit has cancelled fails its task by that limit")
    func softLimitOfWhatSends() async throws {
        let isAwaited = Gate()
        let bench = Bench { base in SilentBroker(base: base, isAwaited: isAwaited) }
        let worker = bench.worker(sends: true) {
            work.handler(options: TaskOptions(timeLimits: TimeLimits(soft: .seconds(5)))) { context in
                _ = try await context.send(work(), options: SendOptions(queue: "silent"))
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(work())
            await isAwaited.wait()
            bench.timers.advance(by: .seconds(5))
            let error = await #expect(throws: RemoteTaskError.self) { try await result.get() }
            #expect(error?.type == "SoftTimeLimitExceeded")
        }
    }

    @Test("cancellation cuts short the patience of a stop that is under way")
    func cancelsDuringStop() async throws {
        // Virtual time stands still: the stop's own deadline never comes.
        let (memory, state) = try await cancelled(stopsFirst: true) {}
        #expect(state == .success && memory.count(in: "q") == 0)
    }

    @Test("nothing is called on a consumer after it was closed, not even by remote control")
    func nothingAfterClose() async throws {
        let broker = StrictBroker(MemoryBroker())
        let bench = Bench { _ in broker }
        let used = NIOLockedValueBox(0)
        let worker = bench.worker(parts: [LateControl(used: used)]) {}
        try await bench.run(worker) {}
        #expect(broker.isConsumerClosed && broker.late.isEmpty)
        #expect(used.withLockedValue { $0 } == 3)
    }
}
