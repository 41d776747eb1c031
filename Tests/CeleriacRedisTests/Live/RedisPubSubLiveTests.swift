#if Redis
import CeleriacTestKit
import Glibc
import Testing

@testable import CeleriacRedis

@Suite(.timeLimit(.minutes(5))) struct RedisPubSubLiveTests {
    /// The reports of a ``RedisPubSub``, in order.
    private enum Report: Equatable {
        case connected
        case resubscribed
        case disconnected(RedisError.Code)
        case message(String, String)
    }

    /// The text of a message: its payload, or the keys of an invalidation.
    private static func text(_ message: RedisPubSubMessage) -> String {
        let keys = message.value.array?.compactMap(\.string).joined(separator: " ")
        return keys ?? String(decoding: message.payload, as: UTF8.self)
    }

    private func withPubSub(
        _ configuration: RedisConfiguration,
        _ body: (RedisPubSub, inout AsyncStream<Report>.Iterator) async throws -> Void
    ) async throws {
        let (reports, continuation) = AsyncStream.makeStream(of: Report.self)
        let pubSub = RedisPubSub(configuration, eventLoopGroup: group, logger: quiet) { event in
            switch event {
            case .connected(let id):
                #expect(id != nil)
                continuation.yield(.connected)
            case .resubscribed: continuation.yield(.resubscribed)
            case .disconnected(let error): continuation.yield(.disconnected(error.code))
            }
        } onMessages: { messages in
            for message in messages {
                continuation.yield(.message(message.channel, Self.text(message)))
            }
        }
        var iterator = reports.makeAsyncIterator()
        do {
            try await body(pubSub, &iterator)
        } catch {
            await pubSub.close()
            throw error
        }
        await pubSub.close()
    }

    @Test func deliversWhatIsPublished() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client in
                try await withPubSub(.init(server)) { pubSub, reports in
                    try await pubSub.subscribe(["a", "b"])
                    #expect(await reports.next() == .connected)
                    try await pubSub.psubscribe(["/0.celeryev/*"])
                    try await pubSub.subscribe([])
                    let counts = try await client.send([
                        RedisCommand("PUBLISH", "a", "1"), RedisCommand("PUBLISH", "c", "2"),
                        RedisCommand("PUBLISH", "/0.celeryev/worker.heartbeat", "3"), RedisCommand("PUBLISH", "b", "4"),
                    ])
                    #expect(counts == [.integer(1), .integer(0), .integer(1), .integer(1)])
                    #expect(await reports.next() == .message("a", "1"))
                    #expect(await reports.next() == .message("/0.celeryev/worker.heartbeat", "3"))
                    #expect(await reports.next() == .message("b", "4"))
                    try await pubSub.unsubscribe(["a", "never"])
                    try await pubSub.punsubscribe(["/0.celeryev/*"])
                    #expect(try await client.send(RedisCommand("PUBLISH", "a", "5")) == .integer(0))
                    #expect(try await client.send(RedisCommand("PUBSUB", "NUMPAT")) == .integer(0))
                    try await pubSub.unsubscribe(["b"])
                    try await pubSub.subscribe(["b"])
                    #expect(try await client.send(RedisCommand("PUBLISH", "b", "6")) == .integer(1))
                    #expect(await reports.next() == .message("b", "6"))
                }
            }
        }
    }

    @Test func deliversManyMessagesInOrder() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client in
                try await withPubSub(.init(server)) { pubSub, reports in
                    try await pubSub.subscribe(["numbers"])
                    #expect(await reports.next() == .connected)
                    _ = try await client.send((0..<5000).map { RedisCommand("PUBLISH", "numbers", $0) })
                    for number in 0..<5000 {
                        #expect(await reports.next() == .message("numbers", "\(number)"))
                    }
                }
            }
        }
    }

    @Test func thousandsOfShortSubscriptions() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client in
                try await withPubSub(.init(server)) { pubSub, _ in
                    try await withThrowingTaskGroup(of: Void.self) { tasks in
                        for caller in 0..<2000 {
                            tasks.addTask {
                                let channel = "celery-task-meta-\(caller)"
                                try await pubSub.subscribe([channel])
                                #expect(try await client.send(RedisCommand("PUBLISH", channel, "x")) == .integer(1))
                                try await pubSub.unsubscribe([channel])
                            }
                        }
                        try await tasks.waitForAll()
                    }
                    #expect(try await client.send(RedisCommand("PUBSUB", "CHANNELS")) == .array([]))
                }
            }
        }
    }

    @Test func subscribesAgainAfterARestart() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.connectTimeout = .seconds(60)
            try await withPubSub(configuration) { pubSub, reports in
                try await pubSub.subscribe(["a", "b"])
                try await pubSub.psubscribe(["p*"])
                try await pubSub.unsubscribe(["b"])
                #expect(await reports.next() == .connected)
                await server.kill()
                #expect(await reports.next() == .disconnected(.connectionLost))
                // This is requested while there is no server.
                async let late: Void = pubSub.subscribe(["late"])
                try await server.restart()
                var report = await reports.next()
                while report == .disconnected(.connectFailed) { report = await reports.next() }
                #expect(report == .connected)
                #expect(await reports.next() == .resubscribed)
                try await late
                try await withClient(configuration) { client in
                    let counts = try await client.send(
                        ["a", "b", "pq", "late"].map { RedisCommand("PUBLISH", $0, "x") })
                    #expect(counts == [.integer(1), .integer(0), .integer(1), .integer(1)])
                }
                for channel in ["a", "pq", "late"] {
                    #expect(await reports.next() == .message(channel, "x"))
                }
            }
        }
    }

    @Test func dropsAServerThatDoesNotAnswerPings() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.pingInterval = .seconds(1)
            configuration.connectTimeout = .seconds(60)
            let pid = try #require(server.pid)
            try await withPubSub(configuration) { pubSub, reports in
                try await pubSub.subscribe(["a"])
                #expect(await reports.next() == .connected)
                kill(pid, SIGSTOP)
                #expect(await reports.next() == .disconnected(.timeout))
                kill(pid, SIGCONT)
                #expect(await reports.next() == .connected)
                #expect(await reports.next() == .resubscribed)
            }
        }
    }

    @Test func receivesInvalidationsOfAnotherConnection() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client in
                try await withPubSub(.init(server)) { pubSub, reports in
                    try await pubSub.subscribe(["__redis__:invalidate"])
                    #expect(await reports.next() == .connected)
                    let list = try await client.send(RedisCommand("CLIENT", "LIST", "TYPE", "PUBSUB")).string ?? ""
                    let id = try #require(list.dropFirst(3).split(separator: " ").first)
                    try await client.send(
                        RedisCommand("CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", "queue"))
                    _ = try await client.send([
                        RedisCommand("SET", "other", 1), RedisCommand("LPUSH", "queue", "task"),
                    ])
                    #expect(await reports.next() == .message("__redis__:invalidate", "queue"))
                }
            }
        }
    }

    @Test func keepsAServerThatAnswersPings() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.pingInterval = .milliseconds(10)
            configuration.toleratedPings = 60
            try await withClient(configuration) { client in
                try await withPubSub(configuration) { pubSub, reports in
                    try await pubSub.subscribe(["a"])
                    #expect(await reports.next() == .connected)
                    var pings = 0
                    while pings < 90 {
                        let statistics = try await client.send(RedisCommand("INFO", "commandstats")).string ?? ""
                        let calls = statistics.split(separator: "cmdstat_ping:calls=").last?.prefix { $0.isNumber }
                        pings = calls.flatMap { Int($0) } ?? 0
                    }
                    try await client.send(RedisCommand("PUBLISH", "a", "still here"))
                    #expect(await reports.next() == .message("a", "still here"))
                }
            }
        }
    }

    @Test func aForbiddenChannelIsRefusedAlone() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client in
                try await client.send(
                    RedisCommand("ACL", "SETUSER", "u", "on", ">pw", "~*", "+@all", "resetchannels", "&ok*"))
                let configuration = try RedisConfiguration(url: "redis://u:pw@127.0.0.1:\(server.port)")
                try await withPubSub(configuration) { pubSub, _ in
                    async let first: Void = pubSub.subscribe(["ok1"])
                    #expect(await code { try await pubSub.subscribe(["ok2", "secret"]) } == .server)
                    try await first
                    try await pubSub.subscribe(["ok3"])
                    let counts = try await client.send(
                        ["ok1", "ok2", "ok3"].map { RedisCommand("PUBLISH", $0, "x") })
                    #expect(counts == [.integer(1), .integer(0), .integer(1)])
                }
            }
        }
    }

    @Test func tellsWhyItDoesNotSubscribe() async throws {
        try await withRedis(.init(password: "right", persistent: false)) { server in
            var configuration = try RedisConfiguration(url: "redis://:wrong@127.0.0.1:\(server.port)")
            configuration.connectTimeout = .seconds(3600)
            try await withPubSub(configuration) { pubSub, reports in
                #expect(await code { try await pubSub.subscribe(["a"]) } == .authenticationFailed)
                #expect(await reports.next() == .disconnected(.authenticationFailed))
            }
            await server.stop()
            configuration.connectTimeout = .seconds(3)
            try await withPubSub(configuration) { pubSub, reports in
                #expect(await code { try await pubSub.subscribe(["a"]) } == .connectFailed)
                await pubSub.close()
                #expect(await code { try await pubSub.subscribe(["a"]) } == .closed)
            }
        }
    }

    @Test func givesUpAnUnconfirmedSubscription() async throws {
        // The server answers the login and then nothing else.
        let server = try await FakeServer.start(Array("*2\r\n$2\r\nid\r\n:7\r\n".utf8))
        var configuration = RedisConfiguration(host: "127.0.0.1", port: server.port)
        configuration.connectTimeout = .seconds(60)
        configuration.commandTimeout = .milliseconds(50)
        try await withPubSub(configuration) { pubSub, reports in
            #expect(await code { try await pubSub.subscribe(["a"]) } == .timeout)
            #expect(await reports.next() == .connected)
            #expect(await reports.next() == .disconnected(.timeout))
        }
        try await server.stop()
    }
}
#endif
