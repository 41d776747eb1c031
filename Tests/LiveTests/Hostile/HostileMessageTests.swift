import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import TestSupport
import Testing

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// Tests messages on which a Python worker exits or hangs, or which it loses. A Swift worker parks each with the reason
/// and its original bytes, and runs the next task.
@Suite("Hostile messages", .serialized)
struct HostileMessageTests {
    @Test("are parked in a folder", .timeLimit(.minutes(5))) func folder() async throws {
        let site = try await MatrixSite(.filesystem)
        let queue = site.folder + "/messages"
        let parked = queue + "/celery.parked"
        try await serves(site) { send in
            for (index, hostile) in HostileMessage.all.enumerated() {
                let name = "\(index)_\(UUID().uuidString.lowercased()).celery.msg"
                // The file first gets a name that nobody reads, since workers reread an unfinished file for a while.
                try Data(hostile.bytes).write(to: URL(filePath: "\(queue)/.\(index)"))
                try FileManager.default.moveItem(atPath: "\(queue)/.\(index)", toPath: "\(queue)/\(name)")
                try await send()
                await until { FileManager.default.fileExists(atPath: "\(parked)/\(name).json") }
                let record = try WireJSON.decode([UInt8](Data(contentsOf: URL(filePath: "\(parked)/\(name).json"))))
                try Self.check(record, of: hostile)
            }
        }
        await site.close()
    }

    #if Redis
    @Test("are parked in Redis, next to a Python worker", .timeLimit(.minutes(5))) func redis() async throws {
        let site = try await MatrixSite(.redis)
        // The Python worker uses the same database with other queues: it shares the claims, and restores them after a
        // second.
        var beside = site.python
        beside.settings["broker_transport_options"] = [
            "visibility_timeout": 1, "unacked_restore_interval": 1, "unacked_restore_throttle": 1,
        ]
        let python = try await beside.startWorker(queues: ["python"])
        let driver = try await beside.startDriver()
        let url = try #require(site.python.settings["broker_url"]?.stringValue)
        let redis = try await RedisConnection.connect(
            try RedisConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
        try await serves(site) { send in
            for (index, hostile) in HostileMessage.all.enumerated() {
                _ = try await redis.send(RedisCommand("LPUSH", "celery", hostile.bytes))
                try await send()
                let count = index + 1
                try await until { try await redis.send(RedisCommand("LLEN", "celery.parked")).int == count }
                let bytes = try await redis.send(RedisCommand("LINDEX", "celery.parked", 0)).bytes
                try Self.check(try WireJSON.decode(try #require(bytes)), of: hostile)
                _ = try await driver.ask("restore")
            }
            // Nothing is claimed any more, nothing came back, and the Python worker still serves tasks.
            try await until { try await redis.send(RedisCommand("HLEN", "unacked")).int == 0 }
            _ = try await driver.ask("restore")
            let counts = try await redis.send([RedisCommand("LLEN", "celery"), RedisCommand("LLEN", "celery.parked")])
            #expect(counts.map(\.int) == [0, 15])
            let id = try await driver.send("tasks.add", [20, 3], options: ["queue": "python"])
            #expect(try await driver.get(id) == .success(23))
            #expect(python.isRunning)
        }
        await redis.close()
        await driver.stop()
        await python.stop()
        await site.close()
    }
    #endif

    #if AMQP
    @Test("are parked in RabbitMQ", .timeLimit(.minutes(5))) func rabbitMQ() async throws {
        let site = try await MatrixSite(.rabbitRPC)
        let url = try #require(site.python.settings["broker_url"]?.stringValue)
        let connection = try await AMQPConnection.connect(
            try AMQPConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
        let channel = try await connection.openChannel()
        try await serves(site) { send in
            for hostile in HostileAMQPMessage.all {
                let outcomes = try await channel.publish([
                    AMQPPublish(routingKey: "celery", mandatory: true, message: hostile.message)
                ])
                #expect(outcomes.allSatisfy { $0.error == nil }, "\(hostile.name)")
                try await send()
                let looking = try await connection.openChannel()
                var found: AMQPDelivery?
                while found == nil { found = try await looking.get(queue: "celery.parked") }
                let parked = try #require(found)
                looking.ack([parked.deliveryTag])
                #expect(parked.message.headers["x-celeriac-reason"]?.stringValue == hostile.reason, "\(hostile.name)")
                if let method = hostile.message.headers["compression"]?.stringValue,
                    hostile.reason == "unknownCompression"
                {
                    let detail = parked.message.headers["x-celeriac-detail"]?.stringValue
                    #expect(detail?.contains("\"\(method)\"") == true)
                }
                #expect(parked.message.body == hostile.message.body, "\(hostile.name)")
                await looking.close()
            }
        }
        await connection.close()
        await site.close()
    }
    #endif

    /// Runs a worker while `body` runs. The argument of `body` sends a task and waits for its result.
    private func serves(_ site: MatrixSite, _ body: (() async throws -> Void) async throws -> Void) async throws {
        let worker = site.app.worker { MatrixTasks.handlers }
        try await withRunning(worker) {
            try await body {
                let sum = try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(120))
                #expect(sum == 5)
            }
        }
    }

    private static func check(_ record: WireValue, of hostile: HostileMessage) throws {
        #expect(record["reason"]?.stringValue == hostile.reason, "\(hostile.name)")
        #expect(record["queue"]?.stringValue == "celery", "\(hostile.name)")
        let kept =
            try record["message"]?.stringValue.map { Array($0.utf8) }
            ?? record["message_base64"]?.stringValue.map { try Base64.decode($0) }
        #expect(kept == hostile.bytes, "\(hostile.name)")
        if let field = hostile.field {
            #expect(
                record["detail"]?.stringValue?.contains(field) == true, "\(hostile.name): \(record["detail"] ?? .null)")
        }
    }
}
