#if Redis
import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import TestSupport
import Testing

/// A firewall in front of a real Python worker, which some of these messages would end and others would stall.
@Suite("A firewall before Python", .serialized)
struct BridgeFirewallTests {
    @Test("none of the fifteen reaches the worker, and all others do", .timeLimit(.minutes(5)))
    func hostileMessagesStayOutside() async throws {
        let outside = try await SharedServers.shared.redisDatabaseURL()
        let inside = try await SharedServers.shared.redisDatabaseURL()
        let results = try await SharedServers.shared.redisDatabaseURL()
        let peer = PythonPeer(broker: inside, results: results)
        let worker = try await peer.startWorker(pool: .solo)
        // The producer knows only the outside.
        let driver = try await PythonPeer(broker: outside, results: results).startDriver()
        let guardian = try await peer.startDriver()
        let yaml = """
            ends:
              outside: {dialect: celery, broker: "\(outside)", results: "\(results)"}
              inside: {dialect: celery, broker: "\(inside)", results: "\(results)"}
            routes:
              - {name: wall, from: outside, to: inside, others: false, maximum_bytes: 300000, tasks: {tasks.add: }}
            """
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let bridge = try Bridge(yaml: Array(yaml.utf8), logger: logger)
        let redis = try await RedisConnection.connect(
            try RedisConfiguration(url: outside), on: sharedEventLoop(), logger: logger)
        do {
            try await BridgeSite.running(bridge) {
                for hostile in HostileMessage.all {
                    _ = try await redis.send(RedisCommand("LPUSH", "celery", hostile.bytes))
                    let sum = try await driver.send("tasks.add", [2, 3])
                    #expect(try await driver.get(sum) == .success(5), "after \(hostile.name)")
                }
                let unknown = try await driver.send("tasks.multiply", [2, 3])
                guard case .failure = try await driver.get(unknown) else {
                    Issue.record("a task passed that the table does not have")
                    return
                }
                let large = try await driver.send("tasks.add", [.string(String(repeating: "x", count: 400_000)), "y"])
                guard case .failure = try await driver.get(large) else {
                    Issue.record("a large message passed")
                    return
                }
            }
            let parked = try await redis.send(RedisCommand("LRANGE", "celery.parked", 0, -1)).array ?? []
            #expect(parked.count == HostileMessage.all.count + 2)
            var reasons: [String] = []
            for bytes in parked.compactMap(\.bytes) {
                let record = try WireJSON.decode(bytes)
                if let reason = record["reason"]?.stringValue { reasons.append(reason) }
            }
            let expected = HostileMessage.all.map(\.reason) + ["oversized", "unknownTask"]
            #expect(reasons.sorted() == expected.sorted())
            #expect(worker.isRunning)
            // The worker has run the good ones, and no others.
            let stats = try await guardian.inspect("stats", timeout: .seconds(5))
            let totals = stats.objectValue?.compactMap { $0.value["total"]?.objectValue } ?? []
            #expect(totals.count == 1)
            #expect(totals.first == ["tasks.add": .int(Int64(HostileMessage.all.count))])
        } catch {
            await worker.stop()
            throw error
        }
        await redis.close()
        await guardian.stop()
        await driver.stop()
        await worker.stop()
    }
}
#endif
