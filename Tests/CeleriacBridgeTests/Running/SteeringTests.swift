import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// What operators ask of a bridge that runs.
@Suite(.timeLimit(.minutes(2))) struct SteeringTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    private func worker(at bench: BridgeBench) -> TaskWorker {
        bench.celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
    }

    @Test func pausedRouteTakesNothingUntilItIsResumed() async throws {
        let bench = try BridgeBench()
        let bridge = bench.toCelery { $0.isPaused = true }
        let desk = BridgeDesk(bridge)
        let result = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(bridge) {
            try await withRunning(worker(at: bench)) {
                let paused = await desk.answer("bridge_status", ["route": "to-celery"])
                #expect(paused["to-celery"]?["state"] == "paused")
                #expect(paused["to-celery"]?["waiting"] == 1)
                let resumed = await desk.answer("bridge_resume", [:])
                #expect(resumed["to-celery"]?["state"] == "open")
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
                let again = await desk.answer("bridge_pause", ["route": "to-celery"])
                #expect(again["to-celery"]?["state"] == "paused")
                #expect(again["to-celery"]?["forwarded"] == 1)
            }
        }
    }

    @Test func drainedRouteHasItsReplies() async throws {
        let bench = try BridgeBench()
        let bridge = bench.toCelery()
        let desk = BridgeDesk(bridge)
        try await withBridge(bridge) {
            let result = try await bench.machinery.send(Self.add(2, 3))
            await until { bridge.status["to-celery"]?.pending == 1 }
            let draining = await desk.answer("bridge_drain", [:])
            #expect(draining["to-celery"]?["state"] == "draining")
            try await withRunning(worker(at: bench)) {
                await until { await desk.answer("bridge_status", [:])["to-celery"]?["state"] == "drained" }
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
        }
    }

    @Test func celerysOwnCommandsReachABridge() async throws {
        let bench = try BridgeBench()
        let bridge = bench.toCelery()
        let desk = BridgeDesk(bridge)
        #expect(await desk.answer("ping", [:]) == ["ok": "pong"])
        let open = await desk.answer("active_queues", [:])
        #expect(open.arrayValue?.compactMap { $0["name"]?.stringValue } == ["machinery_tasks"])
        let cancelled = await desk.answer("cancel_consumer", ["queue": "machinery_tasks"])
        #expect(cancelled == ["ok": "no longer consuming from machinery_tasks"])
        #expect(await desk.answer("active_queues", [:]) == [])
        let other = await desk.answer("add_consumer", ["queue": "other"])
        #expect(other["error"] == "the bridge has no route from other")
        #expect(await desk.answer("add_consumer", ["queue": "machinery_tasks"])["ok"] != nil)
        let stats = await desk.answer("stats", [:])
        #expect(stats["bridge"]?["to-celery"]?["state"] == "open")
        #expect(stats["total"]?["to-celery"] == 0)
        #expect(await desk.answer("bridge_pause", ["route": "x"]) == ["error": "the bridge has no route 'x'"])
        #expect(await desk.answer("rm", [:])["error"] != nil)
        _ = await desk.answer("revoke", ["task_id": ["a", "b"]])
        #expect(await desk.answer("revoked", [:]) == ["a", "b"])
        let hello = await desk.answer("hello", ["from_node": "worker@test", "revoked": ["c"]])
        #expect(hello["revoked"] == ["a", "b", "c"])
        #expect(await desk.answer("hello", ["from_node": "bridge", "revoked": ["d"]]) == .null)
    }

    @Test("a route begins paused where its queue is, until the queue or it is resumed", arguments: [true, false])
    func pausedQueue(resumesQueue: Bool) async throws {
        let bench = try BridgeBench()
        let broker = NotingBroker(bench.celeryBroker, paused: ["celery"])
        let app = CeleryApp(broker: broker, results: bench.celeryResults, logger: BridgeBench.logger)
        let source = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toMachinery, source, bench.machineryEnd)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        let desk = BridgeDesk(bridge)
        _ = try await app.send(Self.add(2, 3))
        try await withBridge(bridge) {
            await until { await desk.answer("bridge_status", [:])["to-machinery"]?["state"] == "paused" }
            #expect(bench.celeryBroker.count(in: "celery") == 1)
            if resumesQueue {
                let ended = try await broker.endPause(of: "celery")
                #expect(ended)
            } else {
                _ = await desk.answer("bridge_resume", [:])
            }
            await until { bridge.status["to-machinery"]?.forwarded == 1 }
        }
    }

    @Test func revokedTaskDoesNotGoOn() async throws {
        let bench = try BridgeBench()
        let result = try await bench.celery.send(Self.add(2, 3))
        let bridge = bench.toMachinery { $0.isPaused = true }
        let desk = BridgeDesk(bridge)
        try await withBridge(bridge) {
            _ = await desk.answer("revoke", ["task_id": .string(result.id)])
            _ = await desk.answer("bridge_resume", [:])
            let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
            #expect(error?.type == "TaskRevokedError")
        }
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 0)
    }

    @Test func revocationOutlivesItsRoute() async throws {
        let bench = try BridgeBench()
        let result = try await bench.celery.send(Self.add(2, 3))
        let bridge = bench.toMachinery { $0.isPaused = true }
        let desk = BridgeDesk(bridge)
        try await withBridge(bridge) {
            _ = await desk.answer("revoke", ["task_id": .string(result.id)])
            var other = BridgeRoute.toMachinery
            other.inFlight = 17
            let change = bridge.change(to: [(other, bench.celeryEnd, bench.machineryEnd)])
            #expect(change == BridgeChange(opened: ["to-machinery"]))
            let error = await #expect(throws: RemoteTaskError.self) { try await result.get(timeout: .seconds(60)) }
            #expect(error?.type == "TaskRevokedError")
        }
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 0)
    }

    /// A broker that carries broadcasts, but not the first one.
    private final class CastingBroker: WrappingBroker {
        private struct State {
            var attempts = 0
            var revoked: [WireValue] = []
        }
        private let memory = MemoryBroker()
        private let state = NIOLockedValueBox(State())

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { memory }
        /// The tasks of each revocation.
        var revoked: [WireValue] { state.withLockedValue { $0.revoked } }

        func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

        func broadcast(
            _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
            sent: @escaping @Sendable () -> Void,
            receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
        ) async throws {
            let tasks = try CeleryControlRequest.decode(request.message).arguments["task_id"] ?? .null
            try state.withLockedValue { state in
                state.attempts += 1
                if state.attempts == 1 { throw CeleriacError(.unavailable, "the connection is blocked") }
                state.revoked.append(tasks)
            }
            sent()
        }

        func close() async { await memory.close() }
    }

    @Test func targetIsToldOnceOfARevocationAndAgainIfItDidNotArrive() async throws {
        let bench = try BridgeBench()
        let broker = CastingBroker()
        let app = CeleryApp(broker: broker, results: bench.celeryResults, logger: BridgeBench.logger)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let other = BridgeRoute(name: "other", sourceQueue: "more_tasks", targetQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target), (other, bench.machineryEnd, target)], nodeName: "bridge",
            closesEnds: false, logger: BridgeBench.logger)
        let desk = BridgeDesk(bridge)
        // The first is refused, and the third says nothing new.
        for _ in 1...3 { _ = await desk.answer("revoke", ["task_id": "task_1"]) }
        #expect(broker.revoked == ["1"])
        // The bridge hears its own broadcast.
        _ = await desk.answer("revoke", ["task_id": "1"])
        #expect(broker.revoked == ["1"])
        _ = await desk.answer("revoke", ["task_id": "task_1", "terminate": true])
        #expect(broker.revoked == ["1", "1"])
    }

    /// A broker that answers nobody who broadcasts.
    private final class SilentBroker: WrappingBroker {
        private let memory = MemoryBroker()
        /// Open once somebody waits.
        let isAsked = Gate()

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { memory }

        func publish(_ messages: [OutgoingMessage]) async throws { try await memory.publish(messages) }

        func broadcast(
            _ request: OutgoingMessage, exchanges: ControlExchanges, until enough: Gate,
            sent: @escaping @Sendable () -> Void,
            receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
        ) async throws {
            isAsked.open()
            try await Gate().waitUnlessCancelled()
        }

        func close() async { await memory.close() }
    }

    @Test func targetThatDoesNotAnswerHoldsUpNoStop() async throws {
        let bench = try BridgeBench()
        let broker = SilentBroker()
        let app = CeleryApp(broker: broker, results: bench.celeryResults, logger: BridgeBench.logger)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        let desk = BridgeDesk(bridge)
        try await withBridge(bridge) {
            async let answer = desk.answer("revoke", ["task_id": "task_1"])
            await broker.isAsked.wait()
            bridge.stop()
            let told = await answer
            #expect(told["ok"] != nil)
        }
    }
}
