#if Redis
import CeleriacTestKit
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import CeleriacRedis

/// A client at a real cluster.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RedisClusterLiveTests {
    private static let sum = RedisScript(
        name: "sum", source: "return redis.call('INCRBY', KEYS[1], ARGV[1]) + redis.call('INCR', KEYS[2])")
    private static let each = RedisScript(
        name: "each",
        source: "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i]) end return #KEYS", argumentsPerKey: 1)

    private func withCluster(
        hasReplicas: Bool = false, _ body: (RedisClusterServer, RedisConfiguration) async throws -> Void
    ) async throws {
        let cluster = try await RedisClusterServer.start(hasReplicas: hasReplicas)
        do {
            try await body(cluster, RedisConfiguration(host: "127.0.0.1", port: cluster.masters[1].port))
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    @Test func keysLieInAllNodes() async throws {
        try await withCluster { cluster, configuration in
            try await withClient(configuration) { client async throws in
                let keys = (0..<300).map { "key-\($0)" }
                let commands = keys.flatMap { key in
                    [RedisCommand("SET", key, key), RedisCommand("STRLEN", key), RedisCommand("ECHO", key)]
                }
                let replies = try await client.send(commands)
                for (index, key) in keys.enumerated() {
                    #expect(
                        replies[3 * index..<3 * index + 3] == [.status("OK"), .integer(Int64(key.count)), .text(key)])
                }
                let values = try await client.send(RedisCommand("MGET", arguments: keys + ["none"])).array
                #expect(values == keys.map { RedisValue.text($0) } + [RedisValue.null])
                #expect(
                    try await client.evaluate(Self.each, keys: keys, arguments: keys.map { "\($0)!" }) == .integer(300))
                #expect(try await client.send(RedisCommand("GET", "key-7")) == .text("key-7!"))
                #expect(try await client.send(RedisCommand("DEL", arguments: keys)) == .integer(300))
                let transaction = [
                    RedisCommand("MULTI"), RedisCommand("INCR", "{t}a"), RedisCommand("INCR", "{t}b"),
                    RedisCommand("EXEC"),
                ]
                #expect(try await client.send(transaction).last == .array([.integer(1), .integer(1)]))
                let refused = try await client.send([.evaluate(Self.sum, keys: ["a", "b"], arguments: [1])])
                #expect(refused.first?.error?.code == "CROSSSLOT")
            }
            // All nodes had something to do.
            for server in cluster.masters {
                var node = RedisConfiguration(host: "127.0.0.1", port: server.port)
                node.isNode = true
                let connection = try await RedisConnection.connect(node, on: group.next(), logger: quiet)
                let info = try await connection.send(RedisCommand("INFO", "commandstats")).string ?? ""
                #expect(connection.isCluster && info.contains("cmdstat_set:"))
                await connection.close()
            }
        }
    }

    @Test func whatIsPublishedAnywhereIsHeardAnywhere() async throws {
        try await withCluster { cluster, _ in
            let heard = NIOLockedValueBox<[String]>([])
            let pubSub = RedisPubSub(
                RedisConfiguration(host: "127.0.0.1", port: cluster.masters[0].port), eventLoopGroup: group,
                logger: quiet
            ) { messages in
                heard.withLockedValue { $0 += messages.map { String(decoding: $0.payload, as: UTF8.self) } }
            }
            try await pubSub.subscribe(["channel"])
            for server in cluster.masters {
                let configuration = RedisConfiguration(host: "127.0.0.1", port: server.port)
                try await withClient(configuration) { client async throws in
                    try await client.send(RedisCommand("PUBLISH", "channel", server.port))
                }
            }
            await until { heard.withLockedValue { $0.count } == 3 }
            #expect(heard.withLockedValue { Set($0) } == Set(cluster.masters.map { "\($0.port)" }))
            await pubSub.close()
        }
    }

    @Test("A slot moves again and again while commands run: each is done once")
    func movingSlot() async throws {
        try await withCluster { cluster, configuration in
            let slot = RedisSlot(ofKey: "{s}").number
            try await withClient(configuration) { client async throws in
                let isOver = NIOLockedValueBox(false)
                try await withThrowingTaskGroup(of: (Int, Int).self) { tasks in
                    for caller in 0..<8 {
                        // What needs several keys waits until all of them have moved.
                        let isSingle = caller.isMultiple(of: 2)
                        let commands: [RedisCommand] =
                            isSingle
                            ? [
                                RedisCommand("INCR", "{s}single"), RedisCommand("SET", "{s}new-\(caller)", 1),
                                RedisCommand("DEL", "{s}new-\(caller)"),
                            ] : [.evaluate(Self.sum, keys: ["{s}double", "{s}other"], arguments: [1])]
                        tasks.addTask {
                            var done = 0
                            while !isOver.withLockedValue({ $0 }), !Task.isCancelled {
                                if try await client.send(commands).first?.error == nil { done += 1 }
                            }
                            return isSingle ? (done, 0) : (0, done)
                        }
                    }
                    for _ in 0..<6 {
                        try await cluster.move(slot) {
                            // Single keys can be used all the time.
                            let before = try await count("{s}single", client)
                            try await until { try await count("{s}single", client) > before }
                        }
                        let before = try await count("{s}double", client)
                        try await until { try await count("{s}double", client) > before }
                    }
                    isOver.withLockedValue { $0 = true }
                    var (single, double) = (0, 0)
                    for try await (one, other) in tasks {
                        single += one
                        double += other
                    }
                    #expect(try await count("{s}single", client) == single)
                    #expect(try await count("{s}double", client) == double)
                    #expect(try await count("{s}other", client) == double)
                }
            }
        }
    }

    private func count(_ key: String, _ client: RedisClient) async throws -> Int {
        try await client.send(RedisCommand("GET", key)).int ?? 0
    }

    @Test("A command that blocks follows its slot")
    func blockedWhileTheSlotMoves() async throws {
        try await withCluster { cluster, configuration in
            let slot = RedisSlot(ofKey: "list").number
            try await withClient(configuration) { client async throws in
                try await withClient(configuration) { waiting async throws in
                    for round in 0..<3 {
                        let blocked = waiting.submit([RedisCommand("BLPOP", "list", 0)], timeout: nil)
                        try await untilBlocked(1, cluster)
                        try await cluster.move(slot)
                        try await untilBlocked(1, cluster)
                        #expect(try await client.send(RedisCommand("RPUSH", "list", round)) == .integer(1))
                        #expect(try await blocked.get() == [.array([.text("list"), .text("\(round)")])])
                    }
                    // It is also told where a slot moves to that has no key yet.
                    let blocked = NIOLockedValueBox<[RedisValue]>([])
                    try await cluster.move(slot) {
                        waiting.submit([RedisCommand("BLPOP", "list", 0)], timeout: nil).whenSuccess { replies in
                            blocked.withLockedValue { $0 = replies }
                        }
                        try await untilBlocked(1, cluster)
                        #expect(try await client.send(RedisCommand("RPUSH", "list", "last")) == .integer(1))
                    }
                    await until { !blocked.withLockedValue { $0.isEmpty } }
                    #expect(blocked.withLockedValue { $0 } == [.array([.text("list"), .text("last")])])
                }
            }
        }
    }

    /// Waits until so many commands block at the nodes of a cluster.
    private func untilBlocked(_ count: Int, _ cluster: RedisClusterServer) async throws {
        try await until {
            var blocked = 0
            for server in cluster.masters {
                let connection = try await RedisConnection.connect(
                    RedisConfiguration(host: "127.0.0.1", port: server.port), on: group.next(), logger: quiet)
                let info = try await connection.send(RedisCommand("INFO", "clients")).string ?? ""
                await connection.close()
                let line = info.split(separator: "\r\n").first { $0.hasPrefix("blocked_clients:") }
                blocked += line?.split(separator: ":").last.flatMap { Int($0) } ?? 0
            }
            return blocked == count
        }
    }

    @Test("A master is killed: its replica takes over, for commands and subscriptions")
    func failover() async throws {
        try await withCluster(hasReplicas: true) { cluster, _ in
            let slot = RedisSlot(ofKey: "{s}").number
            let (master, replica) = try await cluster.pair(serving: slot)
            let configuration = RedisConfiguration(host: "127.0.0.1", port: master.port)
            let heard = NIOLockedValueBox<[String]>([])
            let pubSub = RedisPubSub(configuration, eventLoopGroup: group, logger: quiet) { messages in
                heard.withLockedValue { $0 += messages.map { String(decoding: $0.payload, as: UTF8.self) } }
            }
            try await withClient(configuration) { client async throws in
                try await client.send(RedisCommand("SET", "{s}key", "before"))
                try await pubSub.subscribe(["channel"])
                await master.kill()
                await until { (try? await client.send(RedisCommand("SET", "{s}key", "after"))) != nil }
                #expect(try await cluster.owner(of: slot).port == replica.port)
                #expect(try await client.send(RedisCommand("GET", "{s}key")) == .text("after"))
                // The subscription has gone to a node that lives.
                try await until {
                    _ = try await client.send(RedisCommand("PUBLISH", "channel", "heard"))
                    return heard.withLockedValue { $0.contains("heard") }
                }
                // The old master is the replica of the new one when it comes back.
                try await master.restart()
                try await cluster.untilUp()
                try await client.send(RedisCommand("SET", "{s}key", "later"))
            }
            await pubSub.close()
        }
    }
}
#endif
