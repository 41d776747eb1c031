import CeleriacTestKit
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

private let work = TaskDefinition<Void>("work")

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
