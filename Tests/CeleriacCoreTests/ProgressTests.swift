import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import ServiceLifecycle
import TestSupport
import Testing

/// The states of a task as an asynchronous sequence, and what becomes of a task whose caller is cancelled.
@Suite("The progress of a task", .timeLimit(.minutes(5)))
struct ProgressTests {
    private struct Step: Codable, Sendable, Equatable {
        var done: Int
    }
    private static let export = TaskDefinition<Int, String>("export")
    private static let working = TaskState(rawValue: "PROGRESS")

    /// A service that ends at once, and its group with it.
    private struct Ending: Service {
        func run() async throws {}
    }

    /// Notes what it is asked to revoke.
    private final class NotingRevoker: TaskRevoker {
        let asked = NIOLockedValueBox<[String]>([])

        func revoke(_ ids: [String], terminate: Bool, signal: String?) async throws {
            // As a transport does, which the cancellation of the caller must not reach.
            try Task.checkCancellation()
            asked.withLockedValue { $0.append("\(ids.count) \(terminate) \(signal ?? "-")") }
        }
    }

    /// Notes how often a task was watched, and no longer.
    private final class CountingStore: ResultStore {
        private let memory = MemoryResultStore()
        let events = NIOLockedValueBox<[String]>([])

        var name: String { "counting" }

        func store(_ records: [ResultRecord]) async throws { try await memory.store(records) }

        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
            events.withLockedValue { $0.append("watch") }
            try await memory.watch(taskIDs, sink: sink)
        }

        func unwatch(_ taskIDs: [String]) {
            events.withLockedValue { $0.append("unwatch") }
            memory.unwatch(taskIDs)
        }

        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { try await memory.fetch(taskIDs) }

        func forget(_ taskIDs: [String]) async throws { try await memory.forget(taskIDs) }
    }

    private func client(_ bench: Bench, revoker: NotingRevoker) -> TaskClient {
        TaskClient(
            dialect: PlainDialect(), broker: bench.broker, store: bench.store,
            configuration: ClientConfiguration(defaultQueue: "q"), timers: bench.timers, logger: bench.logger,
            revoker: revoker)
    }

    @Test("begins with what is stored, has the handler's own states with their types, and ends with the result")
    func states() async throws {
        let store = CountingStore()
        let bench = Bench(store: store)
        let (begin, second, end) = (Gate(), Gate(), Gate())
        let worker = bench.worker {
            Self.export.handler { context, pages in
                await begin.wait()
                try await context.update(state: Self.working, value: Step(done: 1))
                await second.wait()
                try await context.update(state: Self.working, value: Step(done: pages))
                await end.wait()
                return "export.pdf"
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(Self.export(2))
            var seen: [String] = []
            for try await progress in result.progress(of: Step.self) {
                switch progress {
                case .pending:
                    seen.append("pending")
                    begin.open()
                case .update(let state, let step):
                    seen.append("\(state) \(step.done)")
                    if step.done == 1 { second.open() } else { end.open() }
                case .success(let text): seen.append(text)
                default: seen.append("\(progress)")
                }
            }
            #expect(seen == ["pending", "PROGRESS 1", "PROGRESS 2", "export.pdf"])
            // Who comes later gets the end at once.
            var late: [String] = []
            for try await progress in result.progress {
                if case .success(let text) = progress { late.append(text) } else { late.append("\(progress)") }
            }
            #expect(late == ["export.pdf"])
        }
        #expect(store.events.withLockedValue { $0 } == ["watch", "unwatch", "watch", "unwatch"])
    }

    @Test("ends with a failure as its last state, and throws if what is stored has another type")
    func failures() async throws {
        let bench = Bench()
        let finish = Gate()
        let worker = bench.worker {
            Self.export.handler { context, pages in
                try await context.update(state: Self.working, value: "no step")
                await finish.wait()
                throw TaskFailure("ValueError", "no paper")
            }
        }
        try await bench.run(worker) {
            let result = try await bench.client.send(Self.export(2))
            let error = await #expect(throws: CeleriacError.self) {
                for try await _ in result.progress(of: Step.self) {}
            }
            #expect(error?.code == .resultMismatch)
            finish.open()
            var last: TaskProgress<String, WireValue>?
            for try await progress in result.progress { last = progress }
            guard case .failure(let failure)? = last else {
                Issue.record("the last state is \(String(describing: last))")
                return
            }
            #expect(failure.type == "ValueError")
        }
    }

    @Test("ends when its time is up, and leaves no subscription behind")
    func timeout() async throws {
        let store = CountingStore()
        let bench = Bench(store: store)
        let result = try await bench.client.send(Self.export(2))
        let error = await #expect(throws: CeleriacError.self) {
            for try await progress in result.progress(of: Step.self, timeout: .seconds(3)) {
                guard case .pending = progress else { continue }
                bench.timers.advance(by: .seconds(3))
            }
        }
        #expect(error?.code == .timeout)
        // Leaving the loop is enough.
        for try await _ in result.progress { break }
        #expect(store.events.withLockedValue { $0 } == ["watch", "unwatch", "watch", "unwatch"])
        #expect(bench.timers.count == 0)
    }

    @Test("a caller that is cancelled withdraws its tasks if its handle says so")
    func cancelled() async throws {
        let store = CountingStore()
        let bench = Bench(store: store)
        let revoker = NotingRevoker()
        let client = client(bench, revoker: revoker)
        let result = try await client.send(Self.export(2))
        let pair = try await client.send([Self.export(1), Self.export(2)])
        let waits: [@Sendable () async throws -> Void] = [
            { _ = try await result.get() },
            { _ = try await result.revokingIfCancelled().get() },
            { for try await _ in result.revokingIfCancelled(terminate: true, signal: "SIGINT").progress {} },
            { _ = try await pair.map { $0.revokingIfCancelled(terminate: true) }.get() },
        ]
        for (index, wait) in waits.enumerated() {
            let caller = Task { try await wait() }
            await until { store.events.withLockedValue { $0.filter { $0 == "watch" }.count } == index + 1 }
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
        }
        #expect(revoker.asked.withLockedValue { $0 } == ["1 false -", "1 true SIGINT", "2 true -"])
    }

    @Test("a client is a service that closes at a graceful shutdown")
    func service() async throws {
        let bench = Bench()
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: bench.client),
                    .init(service: Ending(), successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [], logger: bench.logger)
        ).run()
        let error = await #expect(throws: CeleriacError.self) { try await bench.client.send(Self.export(1)) }
        #expect(error?.code == .closed)
    }
}
