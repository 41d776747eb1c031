#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import NIOPosix
import TestSupport
import Testing

/// Tests a Redis whose name leads to another server, while the old one stays up as its replica.
@Suite("Redis fail-over", .serialized)
struct FailoverTests {
    private static let hold = TaskDefinition<Int, Int>("tasks.hold")
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")

    @Test(
        "The old primary becomes a replica: the worker stores, takes and answers at the new one",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func failover(_ dialect: DialectUnderTest) async throws {
        let old = try await RedisServer.start(.init(persistent: false))
        let new = try await RedisServer.start(.init(persistent: false))
        let admins = try [old, new].map {
            RedisClient(
                try RedisConfiguration(url: $0.url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
                logger: LogRecorder().logger)
        }
        try await admins[1].send(RedisCommand("REPLICAOF", "127.0.0.1", old.port))
        let (proxy, url) = try await RecordingProxy.start(before: old.url)
        let site = try await dialect.site(worker: url, sender: url, results: url, logger: LogRecorder().logger)
        let (begun, release) = (Gate(), Gate())
        let handlers = [
            Self.hold.handler { number in
                begun.open()
                await release.wait()
                return number + 1
            },
            Self.add.handler { $0 + $1 },
        ]
        try await withRunning(site.worker(handlers)) {
            let running = try await site.app.send(Self.hold(1))
            await begun.wait()
            // The worker is idle beside that task. What it holds is at the replica.
            #expect(try await site.app.send(Self.add(1, 1)).get(timeout: .seconds(60)) == 2)
            try await until { try await admins[0].send(RedisCommand("WAIT", 1, 1000)).int == 1 }

            proxy.lead(to: new.url)
            try await admins[1].send(RedisCommand("REPLICAOF", "NO", "ONE"))
            try await admins[0].send(RedisCommand("REPLICAOF", "127.0.0.1", new.port))
            release.open()
            // The sender's connections lead to the old server as well, until that refuses something on each.
            await until { (try? await site.app.send(Self.add(0, 0))) != nil }
            for number in 0..<20 {
                #expect(try await site.app.send(Self.add(number, 1)).get(timeout: .seconds(120)) == number + 1)
            }
            #expect(try await running.get(timeout: .seconds(120)) == 2)
            if dialect == .celery {
                let driver = try await PythonPeer(broker: new.url, results: new.url).startDriver()
                #expect(try await driver.ping().count == 1)
                await driver.stop()
            }
        }
        #expect(try await admins[1].send(RedisCommand("LLEN", site.queue)).int == 0)
        #expect(try await admins[1].send(RedisCommand("EXISTS", "unacked", site.queue + ".celeriac.claims")).int == 0)
        await site.close()
        for admin in admins { await admin.close() }
        try await proxy.stop()
        await old.stop()
        await new.stop()
    }
}
#endif
