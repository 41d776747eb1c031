import CeleriacTestKit
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import CeleriacCore

/// What a worker's own health checks say in the course of its life.
@Suite("Health checks of a worker", .timeLimit(.minutes(5))) struct WorkerHealthTests {
    private static let task = TaskDefinition<String, String>("echo")

    /// A broker that cannot be reached until it is told to answer.
    private final class LateBroker: MessageBroker {
        let base: MemoryBroker
        let isThere = NIOLockedValueBox(false)

        init(_ base: MemoryBroker) { self.base = base }

        var name: String { "late" }
        func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }
        func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
            guard isThere.withLockedValue({ $0 }) else { throw CeleriacError(.unavailable, "away") }
            return try await base.consume(options)
        }
    }

    /// Asks a worker that answers checks.
    private func ask(_ worker: TaskWorker, _ path: String) async throws -> HTTPReply {
        let port = try #require(worker.currentHealthEndpoint).port
        return try await HTTPReply.of("GET", path, port: port)
    }

    @Test("at a stop it is no longer ready while tasks still run, and lives until the last has ended")
    func stop() async throws {
        let finish = Gate()
        let begun = Gate()
        let bench = Bench()
        let worker = bench.worker(configure: { $0.healthEndpoint = HealthEndpoint(port: 0) }) {
            Self.task.handler { text in
                begun.open()
                await finish.wait()
                return text
            }
        }
        #expect(worker.currentHealthEndpoint == nil)
        let run = Task { try await worker.run() }
        try await worker.ready()
        #expect(try await ask(worker, "/ready").status == 200)
        let result = try await bench.client.send(Self.task("x"))
        await begun.wait()
        let port = try #require(worker.currentHealthEndpoint).port
        worker.stop()
        let ready = try await ask(worker, "/ready")
        #expect(ready.status == 503 && ready.reasons == ["the worker is stopping"])
        #expect(try await ask(worker, "/live").status == 200)
        finish.open()
        try await run.value
        #expect(try await result.get() == "x")
        #expect(worker.currentHealthEndpoint == nil)
        await #expect(throws: (any Error).self) { try await HTTPReply.of("GET", "/live", port: port) }
    }

    @Test("before it consumes it lives, and is not ready")
    func beforeConsuming() async throws {
        let boxed = NIOLockedValueBox<LateBroker?>(nil)
        let bench = Bench { memory in
            let broker = LateBroker(memory)
            boxed.withLockedValue { $0 = broker }
            return broker
        }
        let broker = try #require(boxed.withLockedValue { $0 })
        let worker = bench.worker(configure: { $0.healthEndpoint = HealthEndpoint(port: 0) }, handlers: {})
        let run = Task { try await worker.run() }
        // It pauses before the next attempt.
        await until { bench.timers.count == 1 }
        #expect(try await ask(worker, "/live").status == 200)
        let ready = try await ask(worker, "/ready")
        #expect(ready.reasons == ["the worker does not consume yet: it has not reached late"])
        broker.isThere.withLockedValue { $0 = true }
        bench.timers.advance(by: .seconds(60))
        try await worker.ready()
        #expect(try await ask(worker, "/ready").status == 200)
        worker.stop()
        try await run.value
    }

    @Test("what a program does before the worker runs is covered, too, by one server")
    func around() async throws {
        let worker = Bench().worker(configure: { $0.healthEndpoint = HealthEndpoint(port: 0) }, handlers: {})
        try await worker.answeringHealthChecks {
            let before = try #require(worker.currentHealthEndpoint)
            let live = try await ask(worker, "/live")
            #expect(live.status == 200)
            try await withRunning(worker) {
                #expect(worker.currentHealthEndpoint == before)
            }
            #expect(worker.currentHealthEndpoint == before)
        }
        #expect(worker.currentHealthEndpoint == nil)
    }

    @Test("remote control tells the same")
    func control() async throws {
        let probe = ControlProbe()
        let worker = Bench().worker(parts: [probe], handlers: {})
        try await withRunning(worker) {
            let control = await probe.control()
            let reasons = await control.reasonsNotReady()
            #expect(reasons.isEmpty)
        }
        let reasons = await probe.control().reasonsNotReady()
        #expect(reasons == ["the worker is stopping"])
    }
}
