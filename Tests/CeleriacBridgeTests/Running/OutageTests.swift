import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Logging
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Servers that are out of reach for a while: a broker that is blocked and a store without memory answer like that, too.
@Suite(.timeLimit(.minutes(2))) struct OutageTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    /// A broker that refuses messages until it is told otherwise.
    private final class BlockedBroker: WrappingBroker {
        let memory = MemoryBroker()
        let isBlocked = NIOLockedValueBox(true)
        private let error: CeleriacError

        init(refusesLogin: Bool = false) {
            error = CeleriacError(
                refusesLogin ? .publishFailed : .unavailable, "the connection is blocked",
                cause: refusesLogin ? RefusalOfAll(isRefusedLogin: true) : nil)
        }

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { memory }

        func publish(_ messages: [OutgoingMessage]) async throws {
            if isBlocked.withLockedValue({ $0 }) { throw error }
            try await memory.publish(messages)
        }

        func close() async { await memory.close() }
    }

    @Test(arguments: [false, true]) func sourceWaitsForTheTarget(refusesLogin: Bool) async throws {
        let bench = try BridgeBench()
        let broker = BlockedBroker(refusesLogin: refusesLogin)
        let app = CeleryApp(broker: broker, results: bench.celeryResults, logger: BridgeBench.logger)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        let result = try await bench.machinery.send(Self.add(2, 3))
        let worker = app.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await withBridge(bridge) {
            await until { bridge.status["to-celery"]?.obstacle != nil }
            let reasons = await BridgeHealth(bridge).reasonsNotReady(
                within: .seconds(1), timers: bench.celery.client.timers)
            #expect(reasons.first?.contains("the connection is blocked") == true)
            #expect(bridge.status["to-celery"]?.forwarded == 0)
            broker.isBlocked.withLockedValue { $0 = false }
            try await withRunning(worker) {
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
            // The result may be here before the route has noted that the target took the task.
            await until { bridge.status["to-celery"]?.obstacle == nil }
        }
    }

    @Test func stopDuringAnOutageLosesNothing() async throws {
        let bench = try BridgeBench()
        let broker = BlockedBroker()
        let app = CeleryApp(broker: broker, results: bench.celeryResults, logger: BridgeBench.logger)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        _ = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(bridge) { await until { bridge.status["to-celery"]?.obstacle != nil } }
        #expect(bench.machineryBroker.count(in: "machinery_tasks") == 1)
    }

    /// A broker that refuses the tasks of one name.
    private final class ChoosyBroker: WrappingBroker {
        let memory = MemoryBroker()
        private let refused: WireValue

        init(refusing name: String) { refused = .string(name) }

        var base: any MessageBroker { memory }
        var workerSide: any MessageBroker { memory }

        func publish(_ messages: [OutgoingMessage]) async throws {
            var refusals: [Int: CeleriacError] = [:]
            for (index, one) in messages.enumerated() where one.message.headers["task"] == refused {
                refusals[index] = CeleriacError(.publishFailed, "the queue is full")
            }
            try await memory.publish(messages.enumerated().filter { refusals[$0.offset] == nil }.map(\.element))
            if !refusals.isEmpty { throw PartialPublishError(refused: refusals) }
        }

        func close() async { await memory.close() }
    }

    /// A store that takes no states.
    private struct FullStore: ResultStore {
        var name: String { "full" }
        var replyTo: String { "" }
        var deliversOnce: Bool { false }
        func store(_ records: [ResultRecord]) async throws {
            throw CeleriacError(.unavailable, "the store is out of memory")
        }
        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
        func unwatch(_ taskIDs: [String]) {}
        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { taskIDs.map { _ in nil } }
        func forget(_ taskIDs: [String]) async throws {}
        func close() async {}
    }

    @Test func whatWasForwardedIsSettledWhileARefusedTaskWaitsForItsStore() async throws {
        let bench = try BridgeBench()
        let broker = ChoosyBroker(refusing: "other")
        let app = CeleryApp(broker: broker, results: FullStore(), logger: BridgeBench.logger)
        let target = BridgeEnd(.celery, client: app.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        _ = try await bench.machinery.send(TaskDefinition<Int, Int, Int>("other")(2, 3))
        _ = try await bench.machinery.send(Self.add(2, 3))
        try await withBridge(bridge) {
            await until { bridge.status["to-celery"]?.obstacle?.contains("out of memory") == true }
        }
        #expect(broker.memory.count(in: "celery") == 1)
        // The next bridge forwards what was refused, and nothing twice.
        let left = bench.machineryBroker.load(of: ["machinery_tasks"])
        #expect(left.waiting == 1 && left.unsettled == 0)
        #expect(bench.machineryBroker.parked(from: "machinery_tasks").isEmpty)
    }

    // MARK: Stores that refuse

    /// A bridge from Celery's tasks to a worker of Machinery's, whose replies go into a store of the test's.
    private struct Replying {
        let bench: BridgeBench
        let store: ScriptedStore
        let celery: CeleryApp
        let go: TaskWorker
        let bridge: Bridge
        let log = LogRecorder()

        init(_ mode: ScriptedStore.Mode) throws {
            bench = try BridgeBench()
            store = ScriptedStore(mode)
            celery = CeleryApp(broker: bench.celeryBroker, results: store, logger: BridgeBench.logger)
            go = bench.machinery.worker(consumerTag: "test", concurrency: 1) { OutageTests.add.handler { $0 + $1 } }
            let source = BridgeEnd(.celery, client: celery.client, notes: bench.notes, defaultQueue: "celery")
            bridge = Bridge(
                [(.toMachinery, source, bench.machineryEnd)], nodeName: "bridge", closesEnds: false, logger: log.logger)
        }

        var status: RouteStatus? { bridge.status[BridgeRoute.toMachinery.name] }
        var noteCount: Int { bench.notes.count(in: BridgeRoute.toMachinery.noteQueue) }
        var parkedReasons: [String] {
            bench.notes.parked(from: BridgeRoute.toMachinery.noteQueue).map(\.fault.reason)
        }
    }

    @Test func replyWaitsForAStoreThatRefusesEverything() async throws {
        let site = try Replying(.refusingAll)
        let result = try await site.celery.send(Self.add(2, 3))
        try await withBridge(site.bridge) {
            try await withRunning(site.go) {
                await until { site.status?.obstacle?.contains("no such database") == true && site.store.calls > 2 }
                site.store.become(.up)
                let value = try await result.get(timeout: .seconds(60))
                #expect(value == 5)
            }
            await until { site.status?.obstacle == nil && site.status?.replied == 1 }
        }
        #expect(site.status?.refused.isEmpty == true)
        #expect(site.noteCount == 0 && site.parkedReasons.isEmpty)
        #expect(site.log.lines(of: "a bridge waits").count { $0.level == .warning } == 1)
    }

    @Test func noteStaysWhereABridgeEndsBeforeItsStoreTakesAnything() async throws {
        let site = try Replying(.refusingAll)
        let result = try await site.celery.send(Self.add(2, 3))
        try await withBridge(site.bridge) {
            try await withRunning(site.go) { await until { site.status?.obstacle != nil } }
        }
        #expect(site.noteCount == 1 && site.parkedReasons.isEmpty)
        // The next bridge answers.
        site.store.become(.up)
        let source = BridgeEnd(
            .celery, client: site.celery.client, notes: site.bench.notes, defaultQueue: "celery")
        let next = Bridge(
            [(.toMachinery, source, site.bench.machineryEnd)], nodeName: "next", closesEnds: false,
            logger: BridgeBench.logger)
        try await withBridge(next) {
            let value = try await result.get(timeout: .seconds(60))
            #expect(value == 5)
        }
        #expect(site.noteCount == 0)
    }

    @Test func replyThatAStoreRefusesForGoodIsParked() async throws {
        let site = try Replying(.refusing)
        _ = try await site.celery.send(Self.add(2, 3))
        try await withBridge(site.bridge) {
            try await withRunning(site.go) { await until { site.parkedReasons == ["replyRefused"] } }
        }
        #expect(site.status?.refused["replyRefused"] == 1)
    }

    /// A store that says when a route begins that it is not to be used.
    private struct UselessStore: RefusingStore {
        var name: String { "useless" }
        func checkUse() async throws { throw CeleriacError(.configuration, "the store knows no such user") }
        func store(_ records: [ResultRecord]) async throws {}
        func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
        func unwatch(_ taskIDs: [String]) {}
        func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { taskIDs.map { _ in nil } }
        func forget(_ taskIDs: [String]) async throws {}
    }

    @Test func bridgeDoesNotBeginWithAStoreThatIsNotToBeUsed() async throws {
        let bench = try BridgeBench()
        let celery = CeleryApp(broker: bench.celeryBroker, results: UselessStore(), logger: BridgeBench.logger)
        let source = BridgeEnd(.celery, client: celery.client, notes: bench.notes, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toMachinery, source, bench.machineryEnd)], nodeName: "bridge", closesEnds: false,
            logger: BridgeBench.logger)
        let error = await #expect(throws: CeleriacError.self) { try await bridge.run() }
        #expect(error?.code == .configuration)
    }

    #if Redis
    @Test func loginIsInNoLogAndNoStatus() async throws {
        let log = LogRecorder()
        let yaml = """
            ends:
              outside: {dialect: celery, broker: "redis://user:${SECRET}@127.0.0.1:1/0", queue: outside}
              inside: {dialect: celery, broker: "redis://user:${SECRET}@127.0.0.1:1/1"}
            routes: [{name: wall, from: outside, to: inside}]
            """
        let bridge = try Bridge(
            yaml: Array(yaml.utf8), environment: ["SECRET": "pa55word"], logger: log.logger)
        try await withBridge(bridge) { await until { bridge.status["wall"]?.obstacle != nil } }
        let lines = log.lines
        #expect(lines.contains { $0.text == "a bridge waits" })
        for line in lines {
            #expect(!line.text.contains("pa55word"))
            #expect(line.metadata.values.allSatisfy { !$0.contains("pa55word") }, "\(line.text)")
        }
        let status = await BridgeDesk(bridge).answer("bridge_status", [:])
        #expect(!"\(status)".contains("pa55word"))
    }
    #endif
}
