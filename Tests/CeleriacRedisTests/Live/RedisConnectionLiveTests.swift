#if Redis
import CeleriacTestKit
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite(.timeLimit(.minutes(5))) struct RedisConnectionLiveTests {
    @Test func pipelinesKeepTheirOrder() async throws {
        try await withRedis { server in
            let connection = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            var commands: [RedisCommand] = []
            for index in 0..<500 {
                commands.append(RedisCommand("INCR", "counter"))
                commands.append(RedisCommand("LPUSH", "counter", index))
                commands.append(RedisCommand("ECHO", [0, UInt8(truncatingIfNeeded: index)]))
            }
            let replies = try await connection.send(commands)
            try #require(replies.count == 1500)
            for index in 0..<500 {
                #expect(replies[index * 3] == .integer(Int64(index + 1)))
                #expect(replies[index * 3 + 1].error?.code == "WRONGTYPE")
                #expect(replies[index * 3 + 2] == .bulk([0, UInt8(truncatingIfNeeded: index)]))
            }
            #expect(try await connection.send([]) == [])
            await connection.close()
        }
    }

    @Test func callersDoNotMixUpTheirReplies() async throws {
        try await withRedis { server in
            let connection = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for caller in 0..<40 {
                    tasks.addTask {
                        for round in 0..<20 {
                            let words = (0..<5).map { "\(caller) \(round) \($0)" }
                            let replies = try await connection.send(words.map { RedisCommand("ECHO", $0) })
                            #expect(replies == words.map { .text($0) })
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            await connection.close()
        }
    }

    @Test func carriesLargeAndBinaryValues() async throws {
        try await withRedis { server in
            let connection = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }
            let replies = try await connection.send([
                RedisCommand("SET", "large", body), RedisCommand("GET", "large"), RedisCommand("STRLEN", "large"),
            ])
            #expect(replies == [.status("OK"), .bulk(body), .integer(5_000_000)])
            await connection.close()
        }
    }

    @Test func refusesAReplyOverTheLimit() async throws {
        try await withRedis { server in
            var configuration = try RedisConfiguration(server)
            configuration.maximumReplyBytes = 100_000
            let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
            let body = [UInt8](repeating: 1, count: 200_000)
            #expect(try await connection.send(RedisCommand("SET", "k", body)) == .status("OK"))
            #expect(await code { _ = try await connection.send(RedisCommand("GET", "k")) } == .protocolViolation)
        }
    }

    @Test func logsInByPasswordAndUser() async throws {
        try await withRedis(.init(password: "p@ss/wörd", persistent: false)) { server in
            let admin = try await RedisConnection.connect(.init(server, database: 3), on: group.next(), logger: quiet)
            try await admin.send(RedisCommand("ACL", "SETUSER", "worker", "on", ">geheim", "~*", "&*", "+@all"))
            try await admin.send(RedisCommand("SET", "here", 1))

            var configuration = try RedisConfiguration(url: "redis://worker:geheim@127.0.0.1:\(server.port)/3")
            configuration.clientName = "celeriac-test"
            let worker = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
            #expect(try await worker.send(RedisCommand("ACL", "WHOAMI")).string == "worker")
            #expect(try await worker.send(RedisCommand("CLIENT", "GETNAME")).string == "celeriac-test")
            #expect(try await worker.send(RedisCommand("CLIENT", "ID")).int.map(Int64.init) == worker.clientID)
            #expect(try await worker.send(RedisCommand("GET", "here")).int == 1)

            for login in ["", ":wrong@", "worker:wrong@", "nobody:geheim@"] {
                let url = "redis://\(login)127.0.0.1:\(server.port)/3"
                let error = await #expect(throws: RedisError.self) {
                    _ = try await RedisConnection.connect(.init(url: url), on: group.next(), logger: quiet)
                }
                #expect(error?.code == .authenticationFailed)
                #expect(error.map { "\($0)".contains("geheim") || "\($0)".contains("wrong") } == false)
            }
            await admin.close()
            await worker.close()
        }
    }

    @Test func tellsWhyItDidNotConnect() async throws {
        try await withRedis { server in
            // The cases are: no such database, a password although none is set, and no listener.
            var configuration = try RedisConfiguration(server, database: 99)
            #expect(
                await code { _ = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet) }
                    == .server)
            configuration = try RedisConfiguration(url: "redis://:pw@127.0.0.1:\(server.port)")
            #expect(
                await code { _ = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet) }
                    == .authenticationFailed)
            configuration = try RedisConfiguration(server)
            await server.stop()
            #expect(
                await code { _ = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet) }
                    == .connectFailed)
        }
        #expect(
            await code {
                _ = try await RedisConnection.connect(
                    RedisConfiguration(url: "redis+socket:///nowhere/redis.sock"), on: group.next(), logger: quiet)
            } == .connectFailed)
    }

    @Test func connectsByUnixSocket() async throws {
        try await withRedis { server in
            let configuration = try RedisConfiguration(url: "redis+socket://\(server.socketPath)?virtual_host=2")
            let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
            #expect(try await connection.send(RedisCommand("SET", "k", "v")) == .status("OK"))
            await connection.close()
            let other = try await RedisConnection.connect(
                .init(server, database: 2), on: group.next(), logger: quiet)
            #expect(try await other.send(RedisCommand("GET", "k")) == .text("v"))
            await other.close()
        }
    }

    @Test func aTimeoutEndsTheConnection() async throws {
        try await withRedis { server in
            let connection = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            let reasons = Reasons()
            connection.onClose { reasons.note($0.code) }
            async let behind = code {
                _ = try await connection.send([RedisCommand("DEBUG", "SLEEP", 0.5)], timeout: .milliseconds(50))
            }
            #expect(await behind == .timeout)
            #expect(await code { _ = try await connection.send(RedisCommand("PING")) } == .connectionLost)
            #expect(reasons.all == [.timeout])
        }
    }

    @Test func everybodyIsAnsweredWhenTheServerDies() async throws {
        try await withRedis { server in
            let connection = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            // The server is busy with the first command, so all others are in flight when it is killed.
            let answers = try await connection.eventLoop.submit {
                (0..<100).map { index in
                    let promise = connection.eventLoop.makePromise(of: [RedisValue].self)
                    let command = index == 0 ? RedisCommand("DEBUG", "SLEEP", 60) : RedisCommand("INCR", "k")
                    connection.submit([command], timeout: nil, waiter: .promise(promise))
                    return promise.futureResult
                }
            }.get()
            await server.kill()
            for answer in answers {
                let error = await #expect(throws: RedisError.self) { _ = try await answer.get() }
                #expect(error?.code == .connectionLost)
            }
        }
    }

    @Test func aBlockedCommandCanBeUnblocked() async throws {
        try await withRedis { server in
            let blocked = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            let other = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            let id = try #require(blocked.clientID)
            async let empty = blocked.send([RedisCommand("BLMOVE", "q", "mine", "RIGHT", "LEFT", 0)], timeout: nil)
            while try await other.send(RedisCommand("CLIENT", "UNBLOCK", id)).int == 0 {}
            #expect(try await empty == [.null])
            async let filled = blocked.send([RedisCommand("BLMOVE", "q", "mine", "RIGHT", "LEFT", 0)], timeout: nil)
            try await other.send(RedisCommand("LPUSH", "q", "task"))
            #expect(try await filled == [.text("task")])
            async let refused = blocked.send([RedisCommand("BLMOVE", "q", "mine", "RIGHT", "LEFT", 0)], timeout: nil)
            while try await other.send(RedisCommand("CLIENT", "UNBLOCK", id, "ERROR")).int == 0 {}
            #expect(try await refused.first?.error?.code == "UNBLOCKED")
            await blocked.close()
            await other.close()
        }
    }

    @Test func closingEndsABlockedCommand() async throws {
        try await withRedis { server in
            let blocked = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            let other = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            async let waiting = code { _ = try await blocked.send([RedisCommand("BLPOP", "q", 0)], timeout: nil) }
            while try await other.send(RedisCommand("INFO", "clients")).string?
                .contains("blocked_clients:1") == false
            {}
            await blocked.close()
            #expect(await waiting == .closed)
            #expect(await code { _ = try await blocked.send(RedisCommand("PING")) } == .closed)
            await other.close()
        }
    }

    @Test func aConnectionThatNobodyHoldsIsClosed() async throws {
        try await withRedis { server in
            let other = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
            do {
                let forgotten = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
                #expect(try await forgotten.send(RedisCommand("PING")) == .status("PONG"))
            }
            while try await other.send(RedisCommand("INFO", "clients")).string?
                .contains("connected_clients:1\r\n") == false
            {}
            await other.close()
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", false, RedisError.Code.protocolViolation),
        (":1\r\n:2\r\n:3\r\n", false, .protocolViolation),
        ("$100\r\ncut", true, .connectFailed),
        ("", true, .connectFailed),
        ("-ERR max number of clients reached\r\n", true, .connectFailed),
        ("-LOADING Redis is loading the dataset in memory\r\n", false, .connectFailed),
        ("-NOAUTH Authentication required.\r\n", false, .authenticationFailed),
    ]) func refusesAStrangeServer(_ answer: String, _ hangsUp: Bool, _ expected: RedisError.Code) async throws {
        let server = try await FakeServer.start(Array(answer.utf8), hangsUp: hangsUp)
        let configuration = RedisConfiguration(host: "127.0.0.1", port: server.port)
        let found = await code {
            let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
            // Surplus replies show only when all of them have arrived.
            _ = try await connection.send([RedisCommand("PING")], timeout: .seconds(30))
            _ = try await connection.send([RedisCommand("PING")], timeout: .seconds(30))
        }
        #expect(found == expected || (expected == .protocolViolation && found == .connectionLost))
        try await server.stop()
    }

    @Test func aSilentServerIsGivenUp() async throws {
        let server = try await FakeServer.start([])
        var configuration = RedisConfiguration(host: "127.0.0.1", port: server.port)
        configuration.connectTimeout = .milliseconds(100)
        #expect(
            await code { _ = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet) }
                == .timeout)
        try await server.stop()
    }
}
#endif
