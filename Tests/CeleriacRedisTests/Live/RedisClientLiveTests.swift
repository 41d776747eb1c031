#if Redis
import CeleriacTestKit
import NIOCore
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacRedis

@Suite(.timeLimit(.minutes(5))) struct RedisClientLiveTests {
    @Test func connectsAtTheFirstCall() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client async throws in
                let replies = try await client.send([RedisCommand("SET", "k", 1), RedisCommand("INCR", "k")])
                #expect(replies == [.status("OK"), .integer(2)])
                #expect(try await client.send(RedisCommand("GET", "k")).int == 2)
                let error = await #expect(throws: RedisError.self) {
                    _ = try await client.send(RedisCommand("LPUSH", "k", 1))
                }
                #expect(error?.code == .server)
                #expect(error?.serverError?.code == "WRONGTYPE")
            }
        }
    }

    @Test func survivesARestart() async throws {
        try await withRedis { server in
            let connections = NIOLockedValueBox<[Int64?]>([])
            try await withClient(.init(server)) { client async throws in
                client.onConnected { connection in
                    connections.withLockedValue { $0.append(connection.clientID) }
                    return [RedisCommand("INCR", "set-ups"), RedisCommand("NONSENSE")]
                }
                #expect(try await client.send(RedisCommand("GET", "set-ups")).int == 1)
                try await server.restart()
                // The client may notice the loss before or after it sends the call.
                if await code({ _ = try await client.send(RedisCommand("PING")) }) == .connectionLost {
                    try await client.send(RedisCommand("PING"))
                }
                #expect(try await client.send(RedisCommand("GET", "set-ups")).int == 1)
                #expect(connections.withLockedValue { $0.count } == 2)
            }
        }
    }

    @Test("leaves a server that became a replica")
    func readOnly() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client async throws in
                let before = try await client.send(RedisCommand("CLIENT", "ID")).int
                try await client.send(RedisCommand("REPLICAOF", "127.0.0.1", 1))
                let replies = try await client.send([RedisCommand("SET", "k", 1)])
                #expect(replies.first?.error?.code == "READONLY")
                let after = try await client.send(RedisCommand("CLIENT", "ID")).int
                #expect(before != after)
                try await client.send(RedisCommand("REPLICAOF", "NO", "ONE"))
                try await client.send(RedisCommand("SET", "k", 1))
            }
        }
    }

    @Test("tries a log-in again that the server took before, but no other")
    func changedPassword() async throws {
        try await withRedis(.init(password: "old", persistent: false)) { server in
            var configuration = try RedisConfiguration(server)
            configuration.connectTimeout = .seconds(60)
            try await withClient(configuration) { admin async throws in
                try await withClient(configuration) { client async throws in
                    try await admin.send(RedisCommand("PING"))
                    try await client.send(RedisCommand("PING"))
                    try await admin.send(RedisCommand("CONFIG", "SET", "requirepass", "new"))
                    try await admin.send(RedisCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
                    while try await admin.send(RedisCommand("ACL", "LOG")).array?.isEmpty != false {
                        // Whoever needs a connection makes the client log in again.
                        client.submit([RedisCommand("PING")]).whenComplete { _ in }
                    }
                    try await withClient(configuration) { late async throws in
                        #expect(await code { try await late.send(RedisCommand("PING")) } == .authenticationFailed)
                    }
                    try await admin.send(RedisCommand("CONFIG", "SET", "requirepass", "old"))
                    try await client.send(RedisCommand("PING"))
                }
            }
        }
    }

    @Test func waitsForAServerThatComesBack() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.connectTimeout = .seconds(60)
            try await withClient(configuration) { client async throws in
                await server.kill()
                async let answer = client.send([RedisCommand("ECHO", "hello")])
                async let other = client.send([RedisCommand("ECHO", "again")])
                try await server.restart()
                #expect(try await answer == [.text("hello")])
                #expect(try await other == [.text("again")])
            }
        }
    }

    @Test("tells at once whom it is to tell that no server is there, when each address has had its turn")
    func waitsForNobody() async throws {
        try await withRedis { server in
            var configuration = RedisConfiguration(host: "127.0.0.1", port: try FreePort.take())
            // Nobody waits for that long.
            configuration.connectTimeout = .seconds(3600)
            try await withClient(configuration) { client async throws in
                for _ in 0..<2 {
                    let failure = await code {
                        _ = try await client.send([RedisCommand("PING")], timeout: nil, waitsForServer: false)
                    }
                    #expect(failure == .connectFailed)
                }
            }
            configuration.seeds = [RedisAddress(host: "127.0.0.1", port: server.port)]
            try await withClient(configuration) { client async throws in
                let replies = try await client.send([RedisCommand("PING")], timeout: nil, waitsForServer: false)
                #expect(replies == [.status("PONG")])
            }
        }
    }

    @Test func everybodyGetsAnAnswerOrAnError() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.connectTimeout = .seconds(60)
            try await withClient(configuration) { client async throws in
                // The server continues to read but answers nobody until it is killed.
                try await client.send(RedisCommand("CLIENT", "PAUSE", 3_600_000))
                let sent = try await client.eventLoop.submit {
                    let promise = client.eventLoop.makePromise(of: [RedisValue].self)
                    client.submit([RedisCommand("PING")], timeout: nil, waiter: .promise(promise))
                    return promise.futureResult
                }.get()
                let begun = Counter()
                let outcomes = await withTaskGroup(of: RedisError.Code?.self) { tasks in
                    for caller in 0..<100 {
                        tasks.addTask {
                            begun.increment()
                            return await code {
                                let reply = try await client.send(RedisCommand("ECHO", "\(caller)"))
                                #expect(reply == .text("\(caller)"))
                            }
                        }
                    }
                    while begun.value < 100 { await Task.yield() }
                    await server.kill()
                    await #expect(throws: Never.self) { try await server.restart() }
                    return await tasks.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.count == 100)
                #expect(outcomes.allSatisfy { $0 == nil || $0 == .connectionLost })
                #expect(await code { _ = try await sent.get() } == .connectionLost)
                #expect(try await client.send(RedisCommand("ECHO", "after")) == .text("after"))
            }
        }
    }

    @Test func givesUpWhereThereIsNoServer() async throws {
        try await withRedis { server in
            await server.stop()
            var configuration = try RedisConfiguration(server)
            configuration.connectTimeout = .seconds(2)
            try await withClient(configuration) { client async throws in
                for _ in 0..<2 {
                    let error = await #expect(throws: RedisError.self) {
                        _ = try await client.send(RedisCommand("PING"))
                    }
                    #expect(error?.code == .connectFailed)
                }
            }
        }
    }

    @Test func aWrongPasswordIsToldAtOnce() async throws {
        try await withRedis(.init(password: "right", persistent: false)) { server in
            var configuration = try RedisConfiguration(url: "redis://:wrong@127.0.0.1:\(server.port)")
            configuration.connectTimeout = .seconds(3600)
            try await withClient(configuration) { client async throws in
                #expect(await code { _ = try await client.send(RedisCommand("PING")) } == .authenticationFailed)
            }
        }
    }

    @Test func aTimeoutTakesANewConnection() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.commandTimeout = .milliseconds(100)
            try await withClient(configuration) { client async throws in
                #expect(await code { _ = try await client.send(RedisCommand("DEBUG", "SLEEP", 0.3)) } == .timeout)
                #expect(try await client.send([RedisCommand("PING")], timeout: nil) == [.status("PONG")])
            }
        }
    }

    @Test func closingEndsCallsThatWait() async throws {
        try await withRedis { server in
            await server.stop()
            let client = RedisClient(try .init(server), eventLoopGroup: group, logger: quiet)
            let waiting = try await client.eventLoop.submit {
                let promise = client.eventLoop.makePromise(of: [RedisValue].self)
                client.submit([RedisCommand("PING")], timeout: nil, waiter: .promise(promise))
                return promise.futureResult
            }.get()
            await client.close()
            #expect(await code { _ = try await waiting.get() } == .closed)
            #expect(await code { _ = try await client.send(RedisCommand("PING")) } == .closed)
            await client.close()
        }
    }

    @Test func aClientThatNobodyHoldsClosesItsConnection() async throws {
        try await withRedis { server in
            let other = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            do {
                let forgotten = RedisClient(try .init(server), eventLoopGroup: group, logger: quiet)
                #expect(try await forgotten.send(RedisCommand("PING")) == .status("PONG"))
            }
            while try await other.send(RedisCommand("INFO", "clients")).string?
                .contains("connected_clients:1\r\n") == false
            {}
            await other.close()
        }
    }

    // MARK: Scripts

    private static let add = RedisScript(
        name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    private static let words = RedisScript(
        name: "words", source: "return {KEYS[1], ARGV[1], 7, false, {ok='fine'}, {err='MINE wrong'}}")
    private static let failing = RedisScript(name: "failing", source: "return redis.error_reply('MINE wrong')")

    @Test func runsScripts() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client async throws in
                #expect(try await client.evaluate(Self.add, keys: ["n"], arguments: [5]) == .integer(5))
                #expect(try await client.evaluate(Self.add, keys: ["n"], arguments: ["6"]) == .integer(11))
                #expect(
                    try await client.evaluate(Self.words, keys: ["k"], arguments: [[0, 1]])
                        == .array([
                            .text("k"), .bulk([0, 1]), .integer(7), .null, .status("fine"),
                            .error(.init(code: "MINE", message: "wrong")),
                        ]))
                let error = await #expect(throws: RedisError.self) { _ = try await client.evaluate(Self.failing) }
                #expect(error?.serverError?.code == "MINE")
                #expect(
                    try await client.send(RedisCommand("SCRIPT", "LOAD", Self.add.source)).string == Self.add.hash)
            }
        }
    }

    @Test func scriptsSurviveAFlushInsideAPipeline() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client async throws in
                let call = RedisCommand.evaluate(Self.add, keys: ["n"], arguments: [1])
                #expect(try await client.send([call]) == [.integer(1)])
                let replies = try await client.send([
                    RedisCommand("SCRIPT", "FLUSH"), RedisCommand("ECHO", "a"), call, RedisCommand("ECHO", "b"), call,
                    .evaluate(Self.words, keys: ["k"], arguments: ["v"]), RedisCommand("ECHO", "c"),
                ])
                #expect(replies[0...4] == [.status("OK"), .text("a"), .integer(2), .text("b"), .integer(3)])
                #expect(replies[5].array?.first == .text("k"))
                #expect(replies[6] == .text("c"))
                // Somebody else flushes the scripts between two batches.
                try await client.send(RedisCommand("SCRIPT", "FLUSH"))
                #expect(try await client.send([call, RedisCommand("GET", "n"), call])[2] == .integer(5))
                #expect(try await client.send([call]) == [.integer(6)])
            }
        }
    }

    @Test func scriptsSurviveARestart() async throws {
        try await withRedis { server in
            try await withClient(.init(server)) { client async throws in
                let call = RedisCommand.evaluate(Self.add, keys: ["n"], arguments: [1])
                #expect(try await client.send([call]) == [.integer(1)])
                try await server.restart(keepData: false)
                if await code({ _ = try await client.send(RedisCommand("PING")) }) == .connectionLost {
                    try await client.send(RedisCommand("PING"))
                }
                #expect(
                    try await client.send([call, RedisCommand("GET", "n"), call])
                        == [.integer(1), .text("1"), .integer(2)])
            }
        }
    }
}
#endif
