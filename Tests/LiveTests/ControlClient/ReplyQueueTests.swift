import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import NIOPosix
import Testing

#if Redis
import CeleriacRedis
#endif

/// Tests that the queue of replies is as kombu's while a client waits, and gone afterwards.
@Suite("Queues of replies", .timeLimit(.minutes(5)))
struct ReplyQueueTests {
    #if AMQP
    @Test("at RabbitMQ are declared as by Python's client")
    func rabbitMQ() async throws {
        let site = try await ControlClientSite(.rabbitMQ)
        guard case .rabbitMQ(let server)? = site.server else { return }
        let driver = try await site.python.startDriver()
        // Without a worker both wait until their time is over.
        async let theirs = driver.ask("control", ["command": "ping", "timeout": 600])
        let ours = Task { try await site.app.control(timeout: .seconds(600)).ping() }
        var rows: [Substring] = []
        try await until {
            rows = try await queues(server)
            return rows.count == 2
        }
        let plain = rows.map { $0.drop { $0 != "\t" } }
        #expect(plain[0] == plain[1])
        #expect(plain[0].contains("10000") && plain[0].contains("300000"))
        let bound = try await server.rabbitmqctl(
            "--silent", "list_bindings", "source_name", "destination_name", "routing_key")
        for row in rows {
            let name = row.prefix { $0 != "\t" }
            let id = name.prefix { $0 != "." }
            #expect(name == "\(id).reply.celery.pidbox")
            #expect(bound.contains("reply.celery.pidbox\t\(name)\t\(id)"))
        }
        ours.cancel()
        await #expect(throws: CancellationError.self) { try await ours.value }
        try await until { try await queues(server).count == 1 }
        await driver.stop()
        _ = try? await theirs
        await site.close()
    }

    private func queues(_ server: RabbitMQServer) async throws -> [Substring] {
        try await server.rabbitmqctl(
            "--silent", "list_queues", "name", "durable", "auto_delete", "exclusive", "arguments"
        ).split(separator: "\n").filter { $0.contains("reply.celery.pidbox") }
    }

    @Test("at RabbitMQ that are lost with the server end the wait with an error")
    func loss() async throws {
        let site = try await ControlClientSite(.rabbitMQ)
        guard case .rabbitMQ(let server)? = site.server else { return }
        let waiting = Task { try await site.app.control(timeout: .seconds(600)).ping() }
        try await until { try await queues(server).count == 1 }
        try await server.restart()
        await #expect { try await waiting.value } throws: { ($0 as? CeleriacError)?.code == .unavailable }
        #expect(try await site.app.control(timeout: .milliseconds(100)).ping().isEmpty)
        await site.close()
    }
    #endif

    #if Redis
    @Test("in Redis are bound as by Python's client")
    func redis() async throws {
        let site = try await ControlClientSite(.redis)
        let client = RedisClient(
            try RedisConfiguration(url: #require(site.server).url),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "live"))
        let waiting = Task { try await site.app.control(timeout: .seconds(600)).ping() }
        let table = "_kombu.binding.reply.celery.pidbox"
        var members: [String] = []
        try await until {
            members = try await client.send(RedisCommand("SMEMBERS", table)).array?.compactMap(\.string) ?? []
            return members.count == 1
        }
        let id = String(try #require(members.first).prefix { $0 != "\u{06}" })
        #expect(members == ["\(id)\u{06}\u{16}\u{06}\u{16}\(id).reply.celery.pidbox"])
        let score = try await client.send(RedisCommand("ZSCORE", "_kombu.binding_deadlines", "reply.celery.pidbox"))
        let hour = Double(try #require(score.string)).map { $0 / 1000 - Date().timeIntervalSince1970 }
        #expect(3000...3700 ~= (hour ?? 0))
        // What is not a reply does no harm, in whatever list it is.
        _ = try await client.send(
            RedisCommand("LPUSH", "\(id).reply.celery.pidbox", "{]", "{\"body\": 1}", "\u{0}"))
        _ = try await client.send(RedisCommand("LPUSH", "\(id).reply.celery.pidbox\u{06}\u{16}3", "{}"))
        try await until {
            try await client.send(
                RedisCommand("EXISTS", "\(id).reply.celery.pidbox", "\(id).reply.celery.pidbox\u{06}\u{16}3")
            ).int == 0
        }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(try await client.send(RedisCommand("EXISTS", table)).int == 0)
        await client.close()
        await site.close()
    }

    @Test("in Redis that cannot be read any more end the wait with an error")
    func lossOfRedis() async throws {
        let site = try await ControlClientSite(.redis)
        guard case .redis(let server)? = site.server else { return }
        let client = RedisClient(
            try RedisConfiguration(url: server.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "live"))
        let waiting = Task { try await site.app.control(timeout: .seconds(600)).ping() }
        try await until {
            try await client.send(RedisCommand("CLIENT", "LIST")).string?.contains("cmd=brpop") == true
        }
        await client.close()
        try await server.restart()
        await #expect { try await waiting.value } throws: { ($0 as? CeleriacError)?.code == .unavailable }
        #expect(try await site.app.control(timeout: .milliseconds(100)).ping().isEmpty)
        await site.close()
    }
    #endif

    @Test("in a folder are bound as by Python's client")
    func folder() async throws {
        let site = try await ControlClientSite(.folder)
        let table = site.folder.path + "/control/reply.celery.pidbox.exchange"
        let waiting = Task { try await site.app.control(timeout: .seconds(600)).ping() }
        var rows: [WireValue] = []
        await until {
            rows =
                FileManager.default.contents(atPath: table).flatMap { try? WireJSON.decode(Array($0)) }?.arrayValue
                ?? []
            return rows.count == 1
        }
        let id = try #require(rows.first?[0]?.stringValue)
        #expect(rows == [[.string(id), "", .string("\(id).reply.celery.pidbox")]])
        let messages = site.folder.path + "/messages"
        for (number, text) in ["{]", "{\"body\": 1}", ""].enumerated() {
            try Data(text.utf8).write(to: URL(filePath: "\(messages)/\(number)_x.\(id).reply.celery.pidbox.msg"))
        }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(try String(contentsOfFile: table, encoding: .utf8) == "[]")
        #expect(try FileManager.default.contentsOfDirectory(atPath: messages).isEmpty)

        // Without a control folder, and in memory, there is no remote control.
        for broker in ["filesystem://\(messages)", "memory://"] {
            let app = try CeleryApp(broker: broker)
            await #expect { try await app.control.ping() } throws: { ($0 as? CeleriacError)?.code == .unsupported }
            await app.close()
        }
        await site.close()
    }
}
