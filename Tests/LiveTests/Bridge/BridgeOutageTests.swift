#if Redis
import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import Foundation
import Logging
import NIOConcurrencyHelpers
import Testing

/// Servers at either side of a bridge that go away, or refuse everything, while tasks cross.
@Suite("Brokers that a bridge loses", .serialized)
struct BridgeOutageTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test(
        "both are restarted in turn, and no task is lost", .timeLimit(.minutes(10)),
        arguments: BridgeSite.Transport.available)
    func restartedBrokersLoseNothing(_ transport: BridgeSite.Transport) async throws {
        let (count, inFlight) = (200, 16)
        let source = try await LiveServer.start(.redis)
        let target = try await LiveServer.start(transport == .redis ? .redis : .rabbitMQ)
        let goResults = try await SharedServers.shared.redisDatabaseURL()
        let results = try await SharedServers.shared.redisDatabaseURL()
        let yaml = """
            ends:
              go: {dialect: machinery, broker: "\(source.url)", results: "\(goResults)", visibility_timeout: 2}
              python: {dialect: celery, broker: "\(target.url)", results: "\(results)", visibility_timeout: 2}
            routes:
              - {name: to-python, from: go, to: python, in_flight: \(inFlight), rate: 100}
            """
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let bridge = try Bridge(yaml: Array(yaml.utf8), logger: logger)
        let machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: source.url, resultBackend: goResults), logger: logger)
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = .seconds(2)
        let celery = try CeleryApp(
            broker: target.url, results: results, configuration: configuration, logger: logger)
        let runs = NIOLockedValueBox(0)
        let worker = celery.worker(WorkerConfiguration(queues: ["celery"])) {
            Self.add.handler { left, right in
                runs.withLockedValue { $0 += 1 }
                return left + right
            }
        }
        try await BridgeSite.running(bridge) {
            try await withRunning(worker) {
                var sent: [AsyncResult<Int>] = []
                for number in 0..<count { sent.append(try await machinery.send(Self.add(number, 1))) }
                await until { runs.withLockedValue { $0 } >= count / 5 }
                try await source.restart()
                await until { runs.withLockedValue { $0 } >= count / 2 }
                try await target.restart()
                for (number, result) in sent.enumerated() {
                    let sum = try await result.get(timeout: .seconds(300))
                    #expect(sum == number + 1)
                }
            }
        }
        // What was in flight may have come again, from either broker.
        #expect(runs.withLockedValue { $0 } <= count + 4 * inFlight)
        await celery.close()
        await machinery.close()
        await source.stop()
        await target.stop()
    }

    @Test(
        "notes that the broker delivers once more are left to the next bridge", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available)
    func notesThatComeAgainAreKept(_ transport: BridgeSite.Transport) async throws {
        let target = try await LiveServer.start(transport == .redis ? .redis : .rabbitMQ)
        let go = try await SharedServers.shared.redisDatabaseURL()
        let results = try await SharedServers.shared.redisDatabaseURL()
        let yaml = """
            ends:
              go: {dialect: machinery, broker: "\(go)", results: "\(go)", visibility_timeout: 2}
              python: {dialect: celery, broker: "\(target.url)", results: "\(results)", visibility_timeout: 2}
            routes:
              - {name: to-python, from: go, to: python}
            """
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: go, resultBackend: go), logger: logger)
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = .seconds(2)
        let celery = try CeleryApp(
            broker: target.url, results: results, configuration: configuration, logger: logger)
        var sent: [AsyncResult<Int>] = []
        for number in 0..<5 { sent.append(try await machinery.send(Self.add(number, 1))) }
        let first = try Bridge(yaml: Array(yaml.utf8), logger: logger)
        try await BridgeSite.running(first) {
            await until { first.status["to-python"]?.pending == 5 }
            try await target.restart()
            // Its note comes behind those that come again.
            sent.append(try await machinery.send(Self.add(5, 1)))
            await until { first.status["to-python"]?.pending == 6 }
        }
        let worker = celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await BridgeSite.running(try Bridge(yaml: Array(yaml.utf8), logger: logger)) {
            try await withRunning(worker) {
                for (number, result) in sent.enumerated() {
                    let sum = try await result.get(timeout: .seconds(120))
                    #expect(sum == number + 1)
                }
            }
        }
        await celery.close()
        await machinery.close()
        await target.stop()
    }

    @Test("a reply waits for a store that lets nobody write, and is not parked", .timeLimit(.minutes(5)))
    func refusingStore() async throws {
        let store = try await RedisServer.start()
        let broker = try await SharedServers.shared.redisDatabaseURL()
        let go = try await SharedServers.shared.redisDatabaseURL()
        let yaml = """
            ends:
              python: {dialect: celery, broker: "\(broker)", results: "\(store.url)"}
              go: {dialect: machinery, broker: "\(go)", results: "\(go)"}
            routes:
              - {name: to-go, from: python, to: go}
            """
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let bridge = try Bridge(yaml: Array(yaml.utf8), logger: logger)
        let celery = try CeleryApp(broker: broker, results: store.url, logger: logger)
        let machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: go, resultBackend: go), logger: logger)
        let release = Gate()
        let worker = machinery.worker(consumerTag: "test", concurrency: 1) {
            Self.add.handler { left, right in
                await release.wait()
                return left + right
            }
        }
        try await BridgeSite.running(bridge) {
            try await withRunning(worker) {
                let result = try await celery.send(Self.add(2, 3))
                await until { bridge.status["to-go"]?.pending == 1 }
                try await LiveServer.change(store, rights: "-@write")
                release.open()
                await until { bridge.status["to-go"]?.obstacle?.contains("the source's result store") == true }
                try await LiveServer.change(store, rights: "+@all")
                let sum = try await result.get(timeout: .seconds(120))
                #expect(sum == 5)
            }
        }
        #expect(bridge.status["to-go"]?.refused.isEmpty == true)
        await celery.close()
        await machinery.close()
        await store.stop()
    }
}
#endif
