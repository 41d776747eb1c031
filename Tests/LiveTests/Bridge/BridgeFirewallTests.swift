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

#if AMQP
import CeleriacAMQP
#endif

/// A firewall in front of a real Python worker, which some of these messages would end and others would stall.
@Suite("A firewall before Python", .serialized)
struct BridgeFirewallTests {
    /// The broker before the firewall, as one reaches it who may put anything into its queues.
    private enum Outside {
        case redis(RedisConnection)
        #if AMQP
        case rabbitMQ(AMQPConnection, AMQPChannel)
        #endif

        /// A message that must not pass.
        struct Hostile {
            let name: String
            let reason: String
            let send: @Sendable () async throws -> Void
        }

        static func open(_ transport: BridgeSite.Transport, _ url: String) async throws -> Outside {
            let logger = Logger(label: "live")
            switch transport {
            case .redis:
                return .redis(
                    try await RedisConnection.connect(
                        try RedisConfiguration(url: url), on: sharedEventLoop(), logger: logger))
            case .rabbitMQ:
                #if AMQP
                let connection = try await AMQPConnection.connect(
                    try AMQPConfiguration(url: url), on: sharedEventLoop(), logger: logger)
                let channel = try await connection.openChannel()
                // As everybody else declares it.
                _ = try await channel.queueDeclare("celery")
                return .rabbitMQ(connection, channel)
                #else
                throw TestKitError(.system, "this build has no AMQP")
                #endif
            }
        }

        /// The fifteen, in the form of the broker.
        var hostile: [Hostile] {
            switch self {
            case .redis(let redis):
                return HostileMessage.all.map { hostile in
                    Hostile(name: hostile.name, reason: hostile.reason) {
                        _ = try await redis.send(RedisCommand("LPUSH", "celery", hostile.bytes))
                    }
                }
            #if AMQP
            case .rabbitMQ(_, let channel):
                return HostileAMQPMessage.all.map { hostile in
                    let publish = AMQPPublish(routingKey: "celery", mandatory: true, message: hostile.message)
                    return Hostile(name: hostile.name, reason: hostile.reason) {
                        for outcome in try await channel.publish([publish]) {
                            if let error = outcome.error { throw error }
                        }
                    }
                }
            #endif
            }
        }

        /// Why the messages were parked that did not pass.
        func reasons() async throws -> [String] {
            var reasons: [String] = []
            switch self {
            case .redis(let redis):
                let parked = try await redis.send(RedisCommand("LRANGE", "celery.parked", 0, -1)).array ?? []
                for bytes in parked.compactMap(\.bytes) {
                    reasons.append(try WireJSON.decode(bytes)["reason"]?.stringValue ?? "none")
                }
            #if AMQP
            case .rabbitMQ(_, let channel):
                while let parked = try await channel.get(queue: "celery.parked", noAck: true) {
                    reasons.append(parked.message.headers["x-celeriac-reason"]?.stringValue ?? "none")
                }
            #endif
            }
            return reasons
        }

        func close() async {
            switch self {
            case .redis(let redis): await redis.close()
            #if AMQP
            case .rabbitMQ(let connection, _): await connection.close()
            #endif
            }
        }
    }

    @Test(
        "none of the fifteen reaches the worker, and all others do", .timeLimit(.minutes(5)),
        arguments: BridgeSite.Transport.available)
    func hostileMessagesStayOutside(_ transport: BridgeSite.Transport) async throws {
        let outside = try await transport.url()
        let inside = try await transport.url()
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
        let attacker = try await Outside.open(transport, outside)
        let fifteen = attacker.hostile
        #expect(fifteen.count == 15)
        do {
            try await BridgeSite.running(bridge) {
                for hostile in fifteen {
                    try await hostile.send()
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
            let reasons = try await attacker.reasons()
            let expected = fifteen.map(\.reason) + ["oversized", "unknownTask"]
            #expect(reasons.sorted() == expected.sorted())
            #expect(worker.isRunning)
            // The worker has run the good ones, and no others.
            let stats = try await guardian.inspect("stats", timeout: .seconds(5))
            let totals = stats.objectValue?.compactMap { $0.value["total"]?.objectValue } ?? []
            #expect(totals.count == 1)
            #expect(totals.first == ["tasks.add": .int(Int64(fifteen.count))])
        } catch {
            await worker.stop()
            throw error
        }
        await attacker.close()
        await guardian.stop()
        await driver.stop()
        await worker.stop()
    }
}
#endif
